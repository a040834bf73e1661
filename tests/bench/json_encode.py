"""json_encode.py FOLDER ROUNDS NAME...: CPU time of Python's json.dumps on FOLDER/NAME.json, loaded.
Prints NAME=ms."""
import json
import os
import statistics
import sys
import time


def sample(value):
    began = time.process_time()
    json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return (time.process_time() - began) * 1e3


for name in sys.argv[3:]:
    with open(os.path.join(sys.argv[1], name + ".json"), encoding="utf-8") as file:
        loaded = json.load(file)
    times = [sample(loaded) for _ in range(int(sys.argv[2]))]
    print("%s=%.4f" % (name, statistics.median(times)), end=" ")
print()
