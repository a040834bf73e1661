"""Sections steady, fan-out, start-up and deadlines: aggr measured against a bound or the clock."""
import os

from bench import HERE, median, table
import programs


def script(bench, name, *arguments):
    return [bench.path("aggr"), "run", "-q", os.path.join(HERE, name), *arguments]


def steady(bench):
    """Memory over a million requests."""
    total = 100000 if bench.quick else 1000000
    figures = programs.aggr(bench).run(bench.base + "/json?id=", total, 100)
    grown = (figures["rss_kib"] - figures["early_kib"]) / 1024
    bench.row("RSS after %d requests (%.0f/s, %.1f MiB), more than after %d by"
              % (total, total / figures["wall_us"] * 1e6, figures["rss_kib"] / 1024,
                 min(50000, total // 2)), "%.2f MiB" % grown, "≤ 2 MiB", grown <= 2)


def fan_out(bench):
    """Twenty answers of 900 ms."""
    for limit, ideal in ((20, 0.9), (10, 1.8)):
        runs = [bench.measure(script(bench, "fan_out.lua", bench.base, str(limit)))
                for _ in range(3 if bench.quick else 9)]
        wall = median(runs, "wall_us") / 1e6
        bench.row("20 APIs of 900 ms, limit %d: %.3f s, against %.1f s" % (limit, wall, ideal),
                  "%.3f ×" % (wall / ideal), "≤ 1.02 ×", wall / ideal <= 1.02)


def start_up(bench):
    """Process start to end, without and with one plain fetch."""
    own, curl = [], []
    for _ in range(30 if bench.quick else 100):
        own.append(bench.measure([bench.path("aggr"), "run", "-e", "return 1"]))
        curl.append(bench.measure(["curl", "--version"]))
    own_ms, curl_ms = median(own, "wall_us") / 1e3, median(curl, "wall_us") / 1e3
    bench.row("aggr run -e 'return 1': %.1f ms; curl --version: %.1f ms" % (own_ms, curl_ms),
              "%.2f ×" % (own_ms / curl_ms), "≤ 1.3 ×", own_ms / curl_ms <= 1.3)
    start_and_fetch(bench)


def start_and_fetch(bench):
    url, rounds = bench.base + "/json", 9 if bench.quick else 31
    commands = {
        "aggr": [bench.path("aggr"), "run", "-q", "-e", "return aggr.fetch('%s'):json()" % url],
        "curl": ["curl", "-s", url],
    }

    def run(program):
        if program.name in commands:
            return bench.measure(commands[program.name])
        return program.run(url, 1, 1)

    asking = [programs.Program(bench, name, None) for name in commands]
    runs = bench.take_turns([*asking, programs.sockets(bench), *programs.peers(bench)], rounds, run)
    print("\nA process that makes one plain GET (median of %d rounds)\n" % rounds)
    table(["", "CPU, ms", "from start to end, ms"],
          [[name, *("%.1f" % (median(of, figure) / 1e3) for figure in ("cpu_us", "wall_us"))]
           for name, of in runs.items()])
    cpu_ms = median(runs["aggr"], "cpu_us") / 1e3
    bench.row("CPU of a start and one plain fetch", "%.1f ms" % cpu_ms, "≤ 5 ms", cpu_ms <= 5)


def deadlines(bench):
    """How late deadlines come."""
    preload = {"LD_PRELOAD": os.path.join(bench.work, "hang_lookup.so")}
    for what, environment, more in (("", None, []),
                                    (", a look-up hanging", preload, ["http://hangs.test/"])):
        figures = bench.measure(script(bench, "late.lua", "--format", "raw", *more),
                                environment)
        late, least = figures["late_ms"], figures["least_ms"]
        bench.row("%d deadlines late at p99%s (earliest %+.3f ms)"
                  % (figures["samples"], what, least), "%.2f ms" % late, "≤ 5 ms, never early",
                  late <= 5 and least >= 0)
