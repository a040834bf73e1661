"""Cases made by rule: a hostile byte at every kind of place, a cut at every kind of place, and random
damage from a fixed seed."""
import random

from case import CHUNKED, OK, Case, shown
from codings import GZIP

SEED = 9112
RANDOM_EACH = 40

# Answers as their parts, each with the name of the place where it begins.
LENGTH_PARTS = [
    ("start", b"HTTP"), ("version", b"/1.1"), ("before status", b" "), ("status", b"20"), ("last digit", b"0"),
    ("behind status", b" "), ("reason", b"OK"), ("status line end", b"\r"), ("status line LF", b"\n"),
    ("field name", b"Content-"), ("inside name", b"Length"), ("colon", b":"), ("behind colon", b" "), ("value", b"1"),
    ("inside value", b"0"), ("field line end", b"\r"), ("field line LF", b"\n"), ("empty line", b"\r"),
    ("empty line LF", b"\n"), ("body", b"01234"), ("inside body", b"56789"),
]
CHUNKED_PARTS = [
    ("chunk size", b"1"), ("inside size", b"0"), ("behind size", b";a=b"), ("size line end", b"\r"),
    ("size line LF", b"\n"), ("data", b"01234567"), ("inside data", b"89abcdef"), ("data end", b"\r"),
    ("data LF", b"\n"), ("last size", b"0"), ("last line end", b"\r"), ("last line LF", b"\n"), ("trailer", b"A"),
    ("trailer colon", b":"), ("trailer value", b" b"), ("trailer end", b"\r"), ("trailer LF", b"\n"),
    ("last empty line", b"\r"), ("last LF", b"\n"),
]
CHUNKED_HEAD = OK + CHUNKED + b"\r\n"
GZIP_HEAD = OK + b"Content-Encoding: gzip\r\n"
INSERTED = b"\x00\t\n\r \x0b0,:\x80"


def places(before, parts):
    """(place, bytes before it, bytes behind it)"""
    whole = before + b"".join(part for _, part in parts)
    at = len(before)
    for place, part in parts:
        yield place, whole[:at], whole[at:]
        at += len(part)


def insertions():
    for what, before, parts in (("length", b"", LENGTH_PARTS), ("chunks", CHUNKED_HEAD, CHUNKED_PARTS)):
        for place, left, right in places(before, parts):
            for byte in INSERTED:
                yield Case(f"insert {what}/{place}/{shown(byte)}", left + bytes([byte]) + right)


def removals():
    for what, before, parts in (("length", b"", LENGTH_PARTS), ("chunks", CHUNKED_HEAD, CHUNKED_PARTS)):
        for place, left, right in places(before, parts):
            yield Case(f"remove {what}/{place}", left + right[1:])


def cuts():
    gzip_parts = [("header", GZIP[:10]), ("data", GZIP[10:14]), ("inside data", GZIP[14:-8]), ("trailer", GZIP[-8:-4]),
                  ("inside trailer", GZIP[-4:-1]), ("last byte", GZIP[-1:])]
    for what, before, parts in (
            ("length", b"", LENGTH_PARTS), ("chunks", CHUNKED_HEAD, CHUNKED_PARTS),
            ("gzip by length", GZIP_HEAD + b"Content-Length: %d\r\n\r\n" % len(GZIP), gzip_parts),
            ("gzip to the end", GZIP_HEAD + b"\r\n", gzip_parts)):
        for place, left, _ in places(before, parts):
            yield Case(f"cut {what}/{place}", left)


def damage(chance, answer):
    """One to three small things done to it."""
    for _ in range(1 + chance.getrandbits(2) % 3):
        at, kind = chance.getrandbits(16) % len(answer), chance.getrandbits(2)
        if kind == 0:
            answer = answer[:at] + bytes([chance.getrandbits(8)]) + answer[at:]
        elif kind == 1:
            answer = answer[:at] + bytes([answer[at] ^ 1 << chance.getrandbits(3)]) + answer[at + 1:]
        elif kind == 2:
            answer = answer[:at] + answer[at + 1 + chance.getrandbits(2):]
        else:
            again = answer[at:at + 1 + chance.getrandbits(4)]
            answer = answer[:at] + again + answer[at:]
    return answer


def randoms():
    chance = random.Random(SEED)
    for what, before, parts in (("length", b"", LENGTH_PARTS), ("chunks", CHUNKED_HEAD, CHUNKED_PARTS)):
        whole = before + b"".join(part for _, part in parts)
        for number in range(RANDOM_EACH):
            yield Case(f"random {what}/{number}", damage(chance, whole))


def all_cases():
    return [*insertions(), *removals(), *cuts(), *randoms()]
