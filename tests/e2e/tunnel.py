"""Lets connections through: tunnel.py socks|connect [STATUS], or tunnel.py PORT SOCKET

The first is a proxy on loopback. It prints its port, then a line "HOST:PORT" for each connection
asked for; all hosts are 127.0.0.1. With a STATUS it refuses: that is its answer to CONNECT, or the
code of its SOCKS5 reply. The second is a Unix socket that leads to a port. Ends with stdin.
"""
import socket
import sys
import threading


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def socks(peer, status):
    """RFC 1928: no authentication, CONNECT, a domain name. Where to."""
    exactly(peer, exactly(peer, 2)[1])
    peer.sendall(b"\5\0")
    exactly(peer, 4)
    host = exactly(peer, exactly(peer, 1)[0]).decode()
    port = int.from_bytes(exactly(peer, 2), "big")
    peer.sendall(bytes([5, status, 0, 1, 0, 0, 0, 0, 0, 0]))
    return host, port, status == 0


def connect(peer, status):
    """RFC 9110 section 9.3.6. Where to."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(peer, 1)
    host, _, port = head.split()[1].decode().rpartition(":")
    peer.sendall(b"HTTP/1.1 %d Said\r\nX-Proxy: yes\r\n\r\n" % (status or 200))
    return host, int(port), status == 0


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in source, target:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(peer, greet, status):
    try:
        host, port, granted = greet(peer, status)
    except EOFError:
        return
    print(f"{host}:{port}", flush=True)
    if not granted:
        peer.close()
        return
    target = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(target, peer), daemon=True).start()
    pump(peer, target)


def main():
    what, *more = sys.argv[1:]
    if what.isdigit():
        status, listener = 0, socket.create_server(more[0], family=socket.AF_UNIX)

        def greet(_peer, _status):
            return "127.0.0.1", int(what), True
    else:
        status, listener = int(more[0]) if more else 0, socket.create_server(("127.0.0.1", 0))
        greet = {"socks": socks, "connect": connect}[what]

    def accept():
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer, greet, status), daemon=True).start()

    print(listener.getsockname()[1] if greet in (socks, connect) else 0, flush=True)
    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


main()
