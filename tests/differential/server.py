"""The raw server of the differential test: `GET /case/N` is answered with the bytes of case N,
whatever they are; `/probe/N`, which a client may send next, with "probe" and the end."""
import asyncio

PROBE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nprobe"


async def serve(cases, reader, writer):
    """Answers requests until one ends the connection."""
    try:
        open_still = True
        while open_still:
            head = await reader.readuntil(b"\r\n\r\n")
            _, kind, number = head.split(b" ", 2)[1].split(b"/")
            case = cases[int(number) - 1]
            writer.write(case.answer if kind == b"case" else PROBE)
            await writer.drain()
            open_still = kind == b"case" and case.then == "keep"
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone: that is its right
    finally:
        writer.close()


async def listen(cases):
    """The server, and its port on the loopback."""
    server = await asyncio.start_server(lambda *pair: serve(cases, *pair), "127.0.0.1", 0, backlog=512)
    return server, server.sockets[0].getsockname()[1]
