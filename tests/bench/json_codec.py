"""Section json: decoding and encoding documents of several shapes, against lua-cjson, and Node, Python
and Go where they are installed; and random doubles there and back. The documents are made here, from a
seed."""
import json
import os
import random
import shutil
import subprocess

from bench import HERE, table

# The most that decoding may cost, of lua-cjson's time; and encoding.
TARGETS = {"records": 0.65, "numbers": 0.4, "strings": 0.4}
ENCODE_TARGET = 0.35
ENCODED = ["records", "posts", "numbers", "strings", "nested"]
DOUBLES, SEED = 1000000, 7


def records(chance):
    return [{"id": 100000 + i, "name": "user %d" % chance.randrange(10**6),
             "email": "u%d@example.test" % chance.randrange(10**6), "age": chance.randrange(90),
             "score": round(chance.random() * 100, 2), "active": chance.random() < 0.5,
             "city": chance.choice(["Graz", "Linz", "Wien"]), "tags": ["a", "b"],
             "bio": "lorem ipsum %d dolor sit amet" % chance.randrange(10**9)}
            for i in range(4411)]


def posts(chance):
    def user():
        return {"id": chance.randrange(10**10), "screen_name": "u%d" % chance.randrange(10**6),
                "description": "Grüße aus Wien \U0001f600 \"%d\"\n" % chance.randrange(10**6),
                "url": None, "entities": {"description": {"urls": []}}, "protected": False,
                "followers_count": chance.randrange(10**5), "verified": chance.random() < 0.1,
                "lang": "de", "profile_image_url": "http://img.test/%d/normal.png" % chance.randrange(10**9)}

    return {"statuses": [
        {"created_at": "Sun Aug 31 00:29:15 +0000 2014", "id": chance.randrange(10**18),
         "text": " ".join(chance.choice(["hallo", "schöne", "Welt", "日本語", "RT", "\U0001f389"])
                          for _ in range(12)), "truncated": False,
         "entities": {"hashtags": [], "symbols": [], "urls": [], "user_mentions": [
             {"screen_name": "x", "indices": [3, chance.randrange(140)]}]},
         "user": user(), "geo": None, "retweet_count": chance.randrange(1000), "retweeted": False}
        for _ in range(1100)], "search_metadata": {"count": 1100, "next": None}}


def nested(chance):
    def tree(depth):
        if depth == 0:
            return chance.randrange(100)
        return {"l": [tree(depth - 1), tree(depth - 1)], "d": depth}

    return [tree(12) for _ in range(8)]


DOCUMENTS = {
    "records": records,
    "posts": posts,
    "numbers": lambda chance: [[round(chance.uniform(-180, 180), 6), round(chance.uniform(-90, 90), 6)]
                               [i % 2] for i in range(90000)],
    "integers": lambda chance: [chance.randrange(10**chance.randrange(1, 10)) for _ in range(140000)],
    "doubles": lambda chance: [chance.random() for _ in range(50000)],
    "strings": lambda chance: ["".join(chance.choice("abcdefgh ijklmnop") for _ in range(20000))
                               for _ in range(50)],
    "escapes": lambda chance: ["".join(chance.choice("abcdefgh\n\"\\é") for _ in range(100))
                               for _ in range(7000)],
    "nested": nested,
}


def write(folder):
    os.makedirs(folder, exist_ok=True)
    for name, make in DOCUMENTS.items():
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(make(random.Random(7)), file, ensure_ascii=name == "escapes",
                      separators=(",", ":"))
    with open(os.path.join(folder, "pretty.json"), "w", encoding="utf-8") as file:
        json.dump(records(random.Random(7)), file, indent=2)


def decode(bench):
    """Documents of 1 MB."""
    folder, rounds = os.path.join(bench.work, "json"), "9" if bench.quick else "41"
    write(folder)
    names = list(DOCUMENTS)
    ours = bench.measure([bench.path("aggr"), "run", "-q", "--format", "raw",
                          os.path.join(HERE, "json_decode.lua"), folder, rounds, *names])
    node = {}
    if shutil.which("node"):
        node = bench.measure(["node", os.path.join(HERE, "json_codec.js"), "decode", folder, rounds, *names])
    print("\nDecoding a document, CPU in ms (median of %s rounds)\n" % rounds)
    table(["", "MB", "aggr", "lua-cjson", "Node", "aggr / lua-cjson"], [
        [name, "%.2f" % (os.path.getsize(os.path.join(folder, name + ".json")) / 1e6),
         "%.2f" % ours[name + "_aggr"], "%.2f" % ours[name + "_cjson"],
         "%.2f" % node[name] if name in node else "",
         "%.2f" % (ours[name + "_aggr"] / ours[name + "_cjson"])] for name in names])
    for name, most in TARGETS.items():
        ratio = ours[name + "_aggr"] / ours[name + "_cjson"]
        bench.row("decoding %s, of lua-cjson's time" % name, "%.2f ×" % ratio, "≤ %.2f ×" % most,
                  ratio <= most)


def peers(bench, folder, rounds, names):
    """What others take for encoding, by their names."""
    commands = {"Node": ["node", os.path.join(HERE, "json_codec.js"), "encode"],
                "Python": ["python3", os.path.join(HERE, "json_encode.py")]}
    figures = {peer: bench.measure([*command, folder, rounds, *names])
               for peer, command in commands.items() if shutil.which(command[0])}
    if shutil.which("go"):
        program = os.path.join(bench.work, "json_encode_go")
        subprocess.run(["go", "build", "-o", program, os.path.join(HERE, "json_encode.go")],
                       check=True, env={**os.environ, "GO111MODULE": "off", "GOPROXY": "off"})
        figures["Go"] = bench.measure([program, folder, rounds, *names])
    return figures


def encode(bench):
    """The same documents, and memory: what the whole process needs at most."""
    folder, rounds = os.path.join(bench.work, "json"), "9" if bench.quick else "41"
    names = list(DOCUMENTS)
    script = [bench.path("aggr"), "run", "-q", "--format", "raw",
              os.path.join(HERE, "json_encode.lua"), folder]
    ours = bench.measure([*script, rounds, "aggr,cjson", *names])
    others = peers(bench, folder, rounds, names)
    print("\nEncoding it again, CPU in ms (median of %s rounds)\n" % rounds)
    table(["", "aggr", "lua-cjson", *others, "aggr / lua-cjson"], [
        [name, "%.2f" % ours[name + "_aggr"], "%.2f" % ours[name + "_cjson"],
         *("%.2f" % figures[name] for figures in others.values()),
         "%.2f" % (ours[name + "_aggr"] / ours[name + "_cjson"])] for name in names])
    for name in ENCODED:
        ratio = ours[name + "_aggr"] / ours[name + "_cjson"]
        bench.row("encoding %s, of lua-cjson's time" % name, "%.2f ×" % ratio,
                  "≤ %.2f ×" % ENCODE_TARGET, ratio <= ENCODE_TARGET)
        for peer, figures in others.items():
            ratio = ours[name + "_aggr"] / figures[name]
            bench.row("encoding %s, of %s's time" % (name, peer), "%.2f ×" % ratio, "≤ 1 ×", ratio <= 1)
    peaks = {codec: bench.measure([*script, "5", codec, "records"])["peak_kib"]
             for codec in ("aggr", "cjson")}
    bench.row("encoding records, peak memory of the process", "%.1f MiB" % (peaks["aggr"] / 1024),
              "≤ %.1f MiB (lua-cjson)" % (peaks["cjson"] / 1024), peaks["aggr"] <= peaks["cjson"])


def doubles(bench):
    got = bench.measure([bench.path("aggr"), "run", "-q", "--allow-ffi", "--format", "raw",
                         os.path.join(HERE, "json_doubles.lua"), str(DOUBLES), str(SEED)])
    bench.row("random doubles of %d that came back changed (%d ns to write, %d to read one)"
              % (DOUBLES, got["write_ns"], got["read_ns"]), "%d" % got["changed"], "0", got["changed"] == 0)


def codec(bench):
    """Documents of 1 MB."""
    decode(bench)
    encode(bench)
    doubles(bench)
