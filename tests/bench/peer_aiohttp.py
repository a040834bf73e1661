"""Many GETs of one URL with aiohttp.

    peer_aiohttp.py URL TOTAL CONCURRENCY [hold]

prints the same line as multi.c.
"""
import asyncio
import resource
import sys
import time

import aiohttp


def cpu_us():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return (use.ru_utime + use.ru_stime) * 1e6


def current_rss_kib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4


class Run:
    def __init__(self, url, total, concurrency, hold):
        self.url, self.total, self.concurrency, self.hold = url, total, concurrency, hold
        self.started = self.ended = self.ok = self.held_rss = 0

    async def work(self, session):
        while self.started < self.total:
            self.started += 1
            try:
                async with session.get(self.url) as response:
                    await response.json(content_type=None)
                    self.ok += response.status == 200
            except (aiohttp.ClientError, ValueError, OSError) as error:
                if self.ended - self.ok < 3:
                    print("peer_aiohttp.py:", repr(error), file=sys.stderr)
            if self.hold and self.ended == 0:
                self.held_rss = current_rss_kib()
            self.ended += 1

    async def go(self):
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self.work(session) for _ in range(self.concurrency)))


def main():
    run = Run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), len(sys.argv) > 4)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cpu, begin = cpu_us(), time.monotonic()
    asyncio.run(run.go())
    wall_ms = (time.monotonic() - begin) * 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"cpu_us={(cpu_us() - cpu) / run.total:.2f} wall_ms={wall_ms:.1f} "
          f"rss_kib={run.held_rss if run.hold else peak} ok={run.ok}")
    sys.exit(run.ok != run.total)


if __name__ == "__main__":
    main()
