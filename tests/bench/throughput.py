"""Sections cpu and tls: CPU time per small JSON GET, decoded, side by side."""
from bench import median, table
import programs

LEVELS = (10, 100, 1000)


def measured(bench, taking_part, url, levels):
    """(runs at each level by program name, rounds): each_us is the process's CPU time per request,
    what a process takes that makes just one taken off: the start-up section measures that."""
    rounds, total = (3, 4000) if bench.quick else (9, 20000)

    def every_level(program):
        start_us = program.run(url, 1, 1)["cpu_us"]
        runs = []
        for level in levels:
            # At 1,000 the connections are dialled, too: more requests, so that it counts as little.
            count = program.count(total * 3 if level == 1000 else total)
            figures = program.run(url, count, level)
            figures["each_us"] = (figures["cpu_us"] - start_us) / (count - 1)
            runs.append(figures)
        return runs

    by_round = bench.take_turns(taking_part, rounds, every_level)
    return {name: list(zip(*of)) for name, of in by_round.items()}, rounds


def show(runs, levels, most):
    each = {name: [median(at_level, "each_us") for at_level in of] for name, of in runs.items()}
    table(["in flight", *map(str, levels), "peak RSS at %s, MiB" % most],
          [[name, *("%.1f" % us for us in each[name]),
            "%.0f" % (median(of[-1], "peak_kib") / 1024)] for name, of in runs.items()])
    return each


def compare(bench, what, ratio, limit):
    bench.row(what, "%.2f ×" % ratio, "≤ %g ×" % limit, ratio <= limit)


def cpu(bench):
    """Over plain connections, 10, 100 and 1,000 in flight."""
    taking_part = [programs.aggr(bench), programs.sockets(bench), programs.libcurl(bench),
                   programs.libcurl_spread(bench), *programs.peers(bench)]
    runs, rounds = measured(bench, taking_part, bench.base + "/json", LEVELS)
    print("\nCPU time of the client in µs per GET of a small JSON, decoded (median of %d rounds)\n"
          % rounds)
    each = show(runs, LEVELS, "1,000")
    limits = {"C sockets": 1.5, "C libcurl multi": 0.6}
    limits.update((peer.name, 1) for peer in programs.peers(bench))
    for name in [name for name in runs if name in limits]:
        for i, level in enumerate(LEVELS):
            compare(bench, "CPU against %s, %d in flight" % (name, level),
                    each["aggr"][i] / each[name][i], limits[name])


def tls(bench):
    """Over TLS with HTTP/1.1, 100 in flight."""
    taking_part = [programs.aggr(bench), programs.aggr(bench, "--transport", "curl"),
                   programs.libcurl(bench), *programs.peers(bench)]
    runs, rounds = measured(bench, taking_part, bench.tls_base + "/json", (100,))
    print("\nThe same over TLS, HTTP/1.1 (median of %d rounds)\n" % rounds)
    each = show(runs, (100,), "100")
    compare(bench, "CPU over TLS against C libcurl multi, 100 in flight",
            each["aggr"][0] / each["C libcurl multi"][0], 0.7)
