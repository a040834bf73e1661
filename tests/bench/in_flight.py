"""Sections hold and scaling: what very many requests in flight cost."""
import resource

from bench import median, table
import programs


def most_in_flight():
    """10,000, or what the limit on descriptors allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10000 if hard == resource.RLIM_INFINITY else min(10000, hard - 500)


def watched(bench, program, url, total, concurrency):
    """A run, with the most that the fixture has seen in flight at once."""
    bench.served(reset=True)
    figures = program.run(url, total, concurrency)
    figures["each_us"] = figures["cpu_us"] / total
    figures["seen"] = bench.served()["peak"]
    return figures


def hold(bench):
    """10,000 in flight, each answered after 1 s: CPU per request, and memory of each.

    Three times as many requests are made, so that connections are used again, too. CPU is that of
    the whole process, dialling included, divided by the requests. Memory of each is the peak of
    resident memory less that of the same program with 10 in flight, divided by 10,000: whatever
    the process holds for a request, garbage included; the kernel's socket buffers are not.
    """
    count = most_in_flight()
    url, few_url = bench.base + "/delay?ms=1000", bench.base + "/json"
    own = [programs.aggr(bench), programs.sockets(bench), programs.libcurl_spread(bench)]

    def run(program):
        many = watched(bench, program, url, 3 * count, count)
        few = program.run(few_url, 2000, 10)
        many["kib"] = (many["peak_kib"] - few["peak_kib"]) / count
        return many

    runs = bench.take_turns(own, 1 if bench.quick else 9, run)
    runs.update(bench.take_turns([programs.libcurl(bench), *programs.peers(bench)], 1, run))
    print("\n%d requests in flight, each held for 1 s (median of %d; from the fourth on, once)\n"
          % (count, len(runs["aggr"])))
    table(["", "CPU each, µs", "peak RSS, MiB", "memory each, KiB", "most in flight"],
          [[name, "%.0f" % median(of, "each_us"), "%.0f" % (median(of, "peak_kib") / 1024),
            "%.1f" % median(of, "kib"), "%d" % median(of, "seen")] for name, of in runs.items()])
    each_us, kib = median(runs["aggr"], "each_us"), median(runs["aggr"], "kib")
    bench.row("CPU per request, %d in flight held 1 s each" % count, "%.0f µs" % each_us,
              "≤ 180 µs", each_us <= 180)
    bench.row("memory of each of %d in flight" % count, "%.1f KiB" % kib, "≤ 6 KiB", kib <= 6)


def scaling(bench):
    """CPU per request on warm connections, 100 to 10,000 in flight at the same rate.

    An answer is delayed by what keeps so many in flight at 5,000 requests a second. Requests up to
    the first answers' number are left out: they dial."""
    levels = (100, 1000, most_in_flight())
    taking_part = [programs.aggr(bench), programs.sockets(bench)]
    rounds = 1 if bench.quick else 9

    def every_level(program):
        return [watched(bench, program, bench.base + "/delay?ms=%d" % (level / 5),
                        max(10000, 3 * level), level) for level in levels]

    runs = bench.take_turns(taking_part, rounds, every_level)
    warm = {name: [median(at_level, "warm_us") for at_level in zip(*of)]
            for name, of in runs.items()}
    seen = [min(figures["seen"] for figures in at_level)
            for at_level in zip(*(one for of in runs.values() for one in of))]
    print("\nCPU per request on warm connections in µs, at 5,000 requests a second (median of %d\n"
          "rounds; the fixture has seen at least %s in flight)\n"
          % (rounds, ", ".join("%d" % least for least in seen)))
    table(["in flight", *map(str, levels), "grows by"],
          [[name, *("%.1f" % us for us in of), "%.2f ×" % (of[-1] / of[0])]
           for name, of in warm.items()])
    aggr, sockets = (warm[p.name][-1] / warm[p.name][0] for p in taking_part)
    bench.row("CPU from 100 to %d in flight: aggr × %.2f, C sockets × %.2f"
              % (levels[-1], aggr, sockets), "%.2f ×" % (aggr / sockets), "≤ 1.1 ×",
              aggr <= 1.1 * sockets)
