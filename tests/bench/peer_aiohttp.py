"""Many GETs of one URL with aiohttp.

    peer_aiohttp.py URL TOTAL CONCURRENCY

prints ok, the number of good answers. SSL_CERT_FILE names the CA's certificate for https.
"""
import asyncio
import sys

import aiohttp


class Run:
    def __init__(self, url, total, concurrency):
        self.url, self.total, self.concurrency = url, total, concurrency
        self.started = self.ended = self.ok = 0

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
            self.ended += 1

    async def go(self):
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self.work(session) for _ in range(self.concurrency)))


def main():
    run = Run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    asyncio.run(run.go())
    print(f"ok={run.ok}")
    sys.exit(run.ok != run.total)


if __name__ == "__main__":
    main()
