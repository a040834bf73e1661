"""Where a body ends: Content-Length, Transfer-Encoding, chunks, the connection; what has no body;
bytes behind the end."""
from case import CHUNKED, LENGTH, OK, both_ends, chunked, counted, family

CHUNKS = b"2\r\nok\r\n0\r\n\r\n"


def lengths():
    values = ["2", "02", "0000000000000000000000002", "+2", "-2", "-0", "0x2", "2,2", "2, 2", "2,3", "2,", ",2",
              "2;", "2 2", "2.0", "2e0", "1_0", "two", "2abc", "abc2", "\"2\"", "", "3", "1", "0",
              "2147483650", "4294967298", "9223372036854775807", "9223372036854775808", "18446744073709551615",
              "18446744073709551618", "99999999999999999999", "9" * 400]
    answers = [(value if 0 < len(value) < 30 else f"of {len(value)} digits",
                OK + b"Content-Length: " + value.encode() + b"\r\n\r\nok") for value in values]
    return both_ends("length", answers + [
        ("between blanks", OK + b"Content-Length: \t 2 \t\r\n\r\nok"),
        ("at once", OK + b"Content-Length:2\r\n\r\nok"),
        ("letter case", OK + b"cONTENT-lENGTH: 2\r\n\r\nok"),
        ("vertical tab behind", OK + b"Content-Length: 2\x0b\r\n\r\nok"),
        ("NUL behind", OK + b"Content-Length: 2\x00\r\n\r\nok"),
        ("CR behind", OK + b"Content-Length: 2\r\r\n\r\nok"),
        ("arabic digit", OK + b"Content-Length: \xd9\xa2\r\n\r\nok"),
        ("twice, equal", OK + LENGTH * 2 + b"\r\nok"),
        ("twice, other", OK + LENGTH + b"Content-Length: 3\r\n\r\nok!"),
        ("twice, other first", OK + b"Content-Length: 3\r\n" + LENGTH + b"\r\nok!"),
        ("twice, one empty", OK + LENGTH + b"Content-Length:\r\n\r\nok"),
        ("three times", OK + LENGTH * 3 + b"\r\nok"),
        ("blank before the colon", OK + b"Content-Length : 2\r\n\r\nok"),
        ("tab before the colon", OK + b"Content-Length\t: 2\r\n\r\nok"),
        ("underscore", OK + b"Content_Length: 1\r\n" + LENGTH + b"\r\nok"),
        ("folded", OK + b"Content-Length:\r\n 2\r\n\r\nok"),
        ("folded digits", OK + b"Content-Length: 2\r\n 3\r\n\r\nok"),
    ])


def transfer_encodings():
    values = ["chunked", "CHUNKED", "ChunKed", "\tchunked ", "chunked\t", ",chunked", "chunked,", "chunked, chunked", "identity",
              "identity, chunked", "chunked, identity", "gzip", "gzip, chunked", "chunked, gzip", "xchunked",
              "chunkedx", "chunk", "chunked;q=1", "\"chunked\"", "chunked\x0b", "\x0bchunked", "chunked\x00", ""]
    answers = [(repr(value), OK + b"Transfer-Encoding: " + value.encode() + b"\r\n\r\n" + CHUNKS) for value in values]
    return both_ends("transfer encoding", answers + [
        ("twice", chunked(CHUNKS, CHUNKED)),
        ("identity first", chunked(CHUNKS, b"Transfer-Encoding: identity\r\n")),
        ("identity behind", OK + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS),
        ("gzip first", chunked(CHUNKS, b"Transfer-Encoding: gzip\r\n")),
        ("blank before the colon", OK + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS),
        ("folded", OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS),
        ("underscore", OK + b"Transfer_Encoding: chunked\r\nContent-Length: 12\r\n\r\n" + CHUNKS),
        ("length before", chunked(CHUNKS, LENGTH)),
        ("length behind", OK + CHUNKED + LENGTH + b"\r\n" + CHUNKS),
        ("true length before", chunked(CHUNKS, b"Content-Length: 12\r\n")),
        ("length 0 before", chunked(CHUNKS, b"Content-Length: 0\r\n")),
        ("identity and length", OK + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\nok"),
        ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n" + CHUNKS),
        ("HTTP/1.0 keep-alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + CHUNKED + b"\r\n" + CHUNKS),
        ("HTTP/1.0 with length", b"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n" + CHUNKED + b"\r\n" + CHUNKS),
    ])


def chunk_sizes():
    sizes = ["2", "02", "0" * 14 + "2", "0" * 15 + "2", "0" * 16 + "2", "0" * 99 + "2", "0x2", "0X2", "x2", "2h", "+2", "-2", " 2",
             "\t2", "2 ", "2\t", "2  \t ", "2.0", "2,", "", " ", "two", "2 2", "3", "1", "FFFFFFFFFFFFFFFF",
             "ffffffffffffffff", "10000000000000002", "7fffffffffffffff", "8000000000000000", "100000002",
             "-1", "2\x00", "2\x0b", "2\r"]
    extensions = [";", ";a", ";a=b", ";a=\"b\"", ";a=\"b;c\"", ";a=\"b\r\nc\"", " ;a", "; a", ";a = b", ";;", ";=b",
                  ";a=", ";a=\"b", ";\x00", ";\x7f", ";\xe9", ";a\r", ";a\n", ";" + "x" * 1024, ";" + "x" * 16000,
                  ";" + "x" * 20000]

    def label(text):
        return repr(text) if len(text) < 40 else f"{text[0]!r} … of {len(text)}"
    return both_ends("chunk size", [
        (label(size), chunked(size.encode() + b"\r\nok\r\n0\r\n\r\n")) for size in sizes
    ]) + both_ends("chunk extension", [
        (label(extension), chunked(b"2" + extension.encode("latin-1") + b"\r\nok\r\n0\r\n\r\n"))
        for extension in extensions
    ])


def chunk_lines():
    return both_ends("chunk line", [
        ("upper case size", chunked(b"A\r\n0123456789\r\n0\r\n\r\n")),
        ("lower case size", chunked(b"a\r\n0123456789\r\n0\r\n\r\n")),
        ("one byte each", chunked(b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n")),
        ("none", chunked(b"0\r\n\r\n")),
        ("bare LF behind the size", chunked(b"2\nok\r\n0\r\n\r\n")),
        ("bare CR behind the size", chunked(b"2\rok\r\n0\r\n\r\n")),
        ("CR CR LF behind the size", chunked(b"2\r\r\nok\r\n0\r\n\r\n")),
        ("bare LF behind the data", chunked(b"2\r\nok\n0\r\n\r\n")),
        ("bare CR behind the data", chunked(b"2\r\nok\r0\r\n\r\n")),
        ("nothing behind the data", chunked(b"2\r\nok0\r\n\r\n")),
        ("two bytes behind the data", chunked(b"2\r\nok!!0\r\n\r\n")),
        ("empty line between", chunked(b"2\r\nok\r\n\r\n0\r\n\r\n")),
        ("empty line first", chunked(b"\r\n2\r\nok\r\n0\r\n\r\n")),
        ("bare LF everywhere", chunked(b"2\nok\n0\n\n")),
        ("00 last", chunked(b"2\r\nok\r\n00\r\n\r\n")),
        ("0 with an extension last", chunked(b"2\r\nok\r\n0;a=b\r\n\r\n")),
        ("0 and a bare LF last", chunked(b"2\r\nok\r\n0\n\r\n")),
        ("bare LF as the last line", chunked(b"2\r\nok\r\n0\r\n\n")),
        ("0x0 last", chunked(b"2\r\nok\r\n0x0\r\n\r\n")),
        ("-0 last", chunked(b"2\r\nok\r\n-0\r\n\r\n")),
        ("no last chunk", chunked(b"2\r\nok\r\n")),
        ("no empty line last", chunked(b"2\r\nok\r\n0\r\n")),
        ("only a CR last", chunked(b"2\r\nok\r\n0\r\n\r")),
        ("not chunked at all", chunked(b"hello")),
    ])


def trailers():
    def trailer(lines):
        return chunked(b"2\r\nok\r\n0\r\n" + lines + b"\r\n")
    many = b"".join(b"A%d: b\r\n" % i for i in range(100))
    return both_ends("trailer", [
        ("one", trailer(b"A: b\r\n")),
        ("100", trailer(many)),
        ("101", trailer(many + b"B: c\r\n")),
        ("of 14 KiB", trailer(b"A: " + b"x" * 14336 + b"\r\n")),
        ("of 60 KiB", trailer(b"A: " + b"x" * 61440 + b"\r\n")),
        ("of 70 KiB", trailer(b"A: " + b"x" * 71680 + b"\r\n")),
        ("Content-Length", trailer(b"Content-Length: 2\r\n")),
        ("Transfer-Encoding", trailer(b"Transfer-Encoding: chunked\r\n")),
        ("Trailer", trailer(b"Trailer: A\r\n")),
        ("without a colon", trailer(b"A\r\n")),
        ("blank before the colon", trailer(b"A : b\r\n")),
        ("empty name", trailer(b": b\r\n")),
        ("folded", trailer(b"A: b\r\n c\r\n")),
        ("folded first", trailer(b" A: b\r\n")),
        ("bare LF", trailer(b"A: b\n")),
        ("bare CR", trailer(b"A: b\rC: d\r\n")),
        ("NUL", trailer(b"A: b\x00c\r\n")),
        ("a response", trailer(counted())),
        ("cut", chunked(b"2\r\nok\r\n0\r\nA: b")),
        ("cut after a line", chunked(b"2\r\nok\r\n0\r\nA: b\r\n")),
    ])


def without_body():
    cases = []
    framings = [("unframed", b""), ("length 0", b"Content-Length: 0\r\n"), ("length 2", LENGTH), ("chunked", CHUNKED),
                ("both", LENGTH + CHUNKED), ("two lengths", LENGTH * 2)]
    heads = [("204", "GET", b"HTTP/1.1 204 No Content\r\n"), ("304", "GET", b"HTTP/1.1 304 Not Modified\r\n"),
             ("205", "GET", b"HTTP/1.1 205 Reset Content\r\n"), ("HEAD", "HEAD", OK), ("HEAD 404", "HEAD",
             b"HTTP/1.1 404 Not Found\r\n"), ("HEAD 1.0", "HEAD", b"HTTP/1.0 200 OK\r\n")]
    bodies = {b"": b"ok", b"Content-Length: 0\r\n": b"ok", CHUNKED: CHUNKS, LENGTH + CHUNKED: CHUNKS}
    for what, method, line in heads:
        for framing, fields in framings:
            head = line + fields + b"\r\n"
            cases += both_ends(f"no body/{what}", [(framing, head)], method=method)
            cases += both_ends(f"no body/{what}", [(f"{framing} and a body", head + bodies.get(fields, b"ok"))],
                               method=method)
    return cases


def to_the_end():
    return both_ends("to the end", [
        ("of HTTP/1.1", OK + b"\r\nhello"),
        ("of HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello"),
        ("with Connection: close", OK + b"Connection: close\r\n\r\nhello"),
        ("with Connection: keep-alive", OK + b"Connection: keep-alive\r\n\r\nhello"),
        ("of HTTP/1.0 with keep-alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello"),
        ("without a byte", OK + b"\r\n"),
        ("with what looks like a head", OK + b"\r\n" + counted()),
        ("with NUL and high bytes", OK + b"\r\n\x00\xff\r\n\r\n"),
        ("of 60 KiB", OK + b"\r\n" + b"x" * 61440),
    ])


READ = 16384


def behind():
    whole = [("a length", counted()), ("length 0", counted(body=b"")), ("chunks", chunked(CHUNKS)),
             ("204", b"HTTP/1.1 204 No Content\r\n\r\n"), ("304", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
             ("Connection: close", counted(b"Connection: close\r\n")),
             ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\nok")]
    stray = [("an empty line", b"\r\n"), ("a line feed", b"\n"), ("a byte", b"x"), ("NUL", b"\x00"),
             ("another response", counted(body=b"stolen")), ("an empty line and another response", b"\r\n" + counted(body=b"stolen")),
             ("an interim response", b"HTTP/1.1 100 Continue\r\n\r\n"), ("8 KiB", b"x" * 8192)]
    cases = both_ends("behind", [(f"{end}: {what}", answer + more) for end, answer in whole for what, more in stray])
    # What a client reads at once ends just before it, as libcurl's 16 KiB do.
    for end, answer in [*whole[:2], whole[3], ("a body to 16 KiB", counted(body=b"x" * (READ - len(counted(body=b"x" * 10000)) + 10000)))]:
        cases += both_ends("behind", [(f"{end}: filled up to 16 KiB, then another response",
                                       answer.ljust(READ, b"x") + counted(body=b"stolen"))])
    return cases + both_ends("behind", [("HEAD: another response", counted(body=b"") + counted(body=b"stolen"))],
                             method="HEAD")


def all_cases():
    return (lengths() + transfer_encodings() + chunk_sizes() + chunk_lines() + trailers() + without_body()
            + to_the_end() + behind())
