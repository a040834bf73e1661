"""One case of the differential test, and the pieces that cases are made of."""
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Case:
    """What the server sends for a request, and what it does then: `close` the connection, or `keep`
    it open in silence."""
    name: str  # family/what is special about it
    answer: bytes
    then: str = "close"
    method: str = "GET"


def family(name, answers, **how):
    """Cases from (name, answer) pairs."""
    return [Case(f"{name}/{label}", answer, **how) for label, answer in answers]


def both_ends(name, answers, **how):
    """Each answer twice: where framing is in doubt, it matters whether the connection ends."""
    pairs = list(answers)
    return (family(name, [(f"{label}/close", answer) for label, answer in pairs], **how) +
            family(name, [(f"{label}/keep", answer) for label, answer in pairs], then="keep", **how))


def counted(fields=b"", body=b"ok"):
    """An answer with further field lines and a Content-Length."""
    return OK + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body, fields=b""):
    return OK + fields + CHUNKED + b"\r\n" + body


def shown(byte):
    """A byte's name."""
    known = {0: "nul", 9: "tab", 10: "lf", 13: "cr", 32: "space"}
    return known.get(byte, "%02x" % byte)
