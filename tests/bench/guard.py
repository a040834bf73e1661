"""What the watchdog costs, and how soon it acts: the section `guard` of tests/bench/run."""
import json
import math
import os
import random
import statistics
import subprocess

from bench import HERE

ALONE = {"AGGR_STALL": "0", "AGGR_MAX_SLICE": "0", "AGGR_HARD_STALL": "0"}

DEEP = "a coroutine in a pcall in a coroutine"
NUMERIC = ("mandelbrot", "matrix", "recursion", "sieve")
OTHER = ("sort", "tables", "texts")

def best_of(bench, name, *arguments, rounds, figure=None):
    """Armed and unarmed runs of a script in turns: the least of each figure, by name."""
    best = {True: {}, False: {}}
    command = [bench.path("aggr"), "run", "-q", "--format", "raw", os.path.join(HERE, name),
               *arguments]
    for number in range(rounds):
        for armed in (number % 2 == 0, number % 2 != 0):
            figures = bench.measure(command, None if armed else ALONE)
            for key, value in figures.items():
                if figure is None or key == figure:
                    best[armed][key] = min(value, best[armed].get(key, math.inf))
    return best


def cost_of_code(bench):
    best = best_of(bench, "guard.lua", "5", rounds=6 if bench.quick else 20)
    ratios = {key: best[True][key] / best[False][key] for key in NUMERIC + OTHER}
    for what, keys in (("compiled numeric code", NUMERIC), ("table and text code", OTHER),
                       ("both, geometric mean", NUMERIC + OTHER)):
        mean = math.exp(statistics.mean(math.log(ratios[key]) for key in keys))
        each = ", ".join("%s %+.1f %%" % (key, 100 * ratios[key] - 100) for key in keys)
        bench.row("CPU of %s with the watchdog, against without (%s)" % (what, each),
                  "%+.1f %%" % (100 * mean - 100), "≤ 5 %", mean <= 1.05)


def cost_of_requests(bench):
    total = 20000 if bench.quick else 100000
    best = best_of(bench, "get.lua", bench.base + "/json", str(total), "100",
                   rounds=4 if bench.quick else 12, figure="cpu_us")
    armed, alone = (best[key]["cpu_us"] / total for key in (True, False))
    bench.row("CPU of %d requests with the watchdog, %.2f µs each, against %.2f without"
              % (total, armed, alone), "%+.1f %%" % (100 * armed / alone - 100), "≤ 1 %",
              armed / alone <= 1.01)


def hostile_scripts(bench):
    """By name; tests/e2e/hostile_scripts.lua has them."""
    listed = subprocess.run([bench.path("aggr"), "run", os.path.join(HERE, "kills.lua")],
                            capture_output=True, text=True, check=True, timeout=60)
    return json.loads(listed.stdout)


def time_to_kill(bench):
    limit_s, late_ms, deep_ms, killed = 0.05, [], [], 0
    repeats, scripts = 2 if bench.quick else 10, hostile_scripts(bench)
    for name, code in scripts.items():
        for _ in range(repeats):
            done = subprocess.run([bench.path("aggr"), "run", "-q", "--envelope", "--stall", "30ms",
                                   "--max-slice", str(limit_s), "-e", code],
                                  capture_output=True, text=True, timeout=60)
            envelope = json.loads(done.stdout)
            killed += envelope["errors"][0]["kind"] == "stall"
            late = [(s["seconds"] - limit_s) * 1e3 for s in envelope["run"]["stalls"]]
            (deep_ms if name == DEEP else late_ms).extend(late)
    late_ms.sort()
    worst = late_ms[int(len(late_ms) * 0.99) - 1]
    bench.row("tasks left later than --max-slice, p99 of %d (median %.2f ms, most %.2f ms; in up to "
              "50,000 coroutines inside one another %.0f ms)"
              % (len(late_ms), statistics.median(late_ms), late_ms[-1], statistics.median(deep_ms)),
              "%.2f ms" % worst, "≤ 20 ms", worst <= 20)
    bench.row("runs of %d hostile scripts that ended with kind stall, of %d"
              % (len(scripts), len(scripts) * repeats), str(killed), "all",
              killed == len(scripts) * repeats)


def random_kills(bench):
    """Each hostile script is killed over and over in one process, at random moments."""
    kills = 30 if bench.quick else 500
    survivors, names = 0, list(hostile_scripts(bench))
    for name in names:
        seed = random.randrange(1 << 30)
        done = subprocess.run([bench.path("aggr"), "run", "-q", "--partial-ok", "--stall", "0",
                               "--hard-stall", "10", "--max-slice", "10ms", os.path.join(HERE, "kills.lua"), str(kills),
                               str(seed), name], capture_output=True, text=True, timeout=600)
        if done.returncode != 0 or int(done.stdout or 0) != kills:
            survivors += 1
            print("tests/bench/guard.py: %s, seed %d: exit code %d, %s killed\n%s"
                  % (name, seed, done.returncode, done.stdout, done.stderr[-2000:]))
    bench.row("hostile scripts of %d that crashed or survived one of %d kills each"
              % (len(names), kills), str(survivors), "0", survivors == 0)


def guard(bench):
    """The watchdog: its cost, and how soon tasks are left."""
    cost_of_code(bench)
    cost_of_requests(bench)
    time_to_kill(bench)
    random_kills(bench)
