"""Section pick: a value out of 100 MB of JSON, against memcpy, and values one by one."""
import os

import json_codec
from bench import HERE, table

NAMES = ["records", "posts", "pretty", "numbers", "integers", "doubles", "strings", "escapes",
         "nested"]


def pick(bench):
    folder, rounds = os.path.join(bench.work, "json"), "2" if bench.quick else "5"
    json_codec.write(folder)
    found = bench.measure([bench.path("aggr"), "run", "-q", "--allow-ffi", "--format", "raw",
                           os.path.join(HERE, "json_pick.lua"), folder, rounds, *NAMES])
    print("\nThe last item of 100 MB of JSON (CPU, best of %s rounds)\n" % rounds)
    table(["", "pick, GB/s", "memcpy, GB/s", "ratio", "another task waited, ms", "memory, KiB"], [
        [name, "%.2f" % found[name + "_pick"], "%.2f" % found[name + "_copy"],
         "%.1f" % (found[name + "_copy"] / found[name + "_pick"]), "%.2f" % found[name + "_held"],
         "%.1f" % found[name + "_kib"]] for name in NAMES])
    for name in ("records", "posts", "pretty"):
        speed = found[name + "_pick"]
        bench.row("picking out of 100 MB, %s" % name, "%.2f GB/s" % speed, "≥ 1 GB/s", speed >= 1)
    held = max(found[name + "_held"] for name in NAMES)
    bench.row("another task waits while 100 MB are looked through", "%.1f ms" % held, "≤ 10 ms",
              held <= 10)
    cost = found["lines_decode"] / found["lines_values"]
    bench.row("json.values, of json.decode's time line by line", "%.2f × (%.0f MB/s)" % (
        cost, found["lines_values"]), "≤ 1.5 ×", cost <= 1.5)
