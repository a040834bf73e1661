"""Response heads: status lines, line ends, field names and values, sizes, interim responses."""
from case import OK, LENGTH, both_ends, counted, family, shown

REST = b"\r\n" + LENGTH + b"\r\nok"


def versions():
    texts = ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/0.9", "HTTP/2", "HTTP/2.0",
             "HTTP/3", "HTTP/3.0", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.10", "HTTP/01.1",
             "HTTP/11.1", "HTTP/1,1", "HTTP/1.1.1", "HTTP/ 1.1", "HTTP /1.1", "HTTP/+1.1",
             "HTTP/1.x", "HTTP1.1", "http/1.1", "Http/1.1", "HTTPS/1.1", "HTT/1.1", "ICY", "SIP/2.0",
             "RTSP/1.0"]
    return family("version", [(text, text.encode() + b" 200 OK" + REST) for text in texts])


def statuses():
    texts = ["200", "201", "299", "404", "500", "599", "600", "999", "000", "099", "99", "20", "2",
             "2000", "0200", "abc", "2xx", "0x2", "+20", "-20", "2.0", "20O", "1e2", "200,"]
    return (family("status", [(text, b"HTTP/1.1 " + text.encode() + b" OK" + REST) for text in texts])
            + family("status", [("arabic digits", b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK" + REST)]))


def status_lines():
    return family("status line", [
        ("no reason", b"HTTP/1.1 200 " + REST),
        ("no reason and no blank", b"HTTP/1.1 200" + REST),
        ("two blanks before the status", b"HTTP/1.1  200 OK" + REST),
        ("two blanks after the status", b"HTTP/1.1 200  OK" + REST),
        ("tab before the status", b"HTTP/1.1\t200 OK" + REST),
        ("tab after the status", b"HTTP/1.1 200\tOK" + REST),
        ("tab in the reason", b"HTTP/1.1 200 O\tK" + REST),
        ("high bytes in the reason", b"HTTP/1.1 200 \xe9t\xe9" + REST),
        ("reason of 8 KiB", b"HTTP/1.1 200 " + b"x" * 8192 + REST),
        ("reason of 60 KiB", b"HTTP/1.1 200 " + b"x" * 61440 + REST),
        ("reason of 300 KiB", b"HTTP/1.1 200 " + b"x" * 307200 + REST),
        ("blank first", b" HTTP/1.1 200 OK" + REST),
        ("empty line first", b"\r\nHTTP/1.1 200 OK" + REST),
        ("two empty lines first", b"\r\n\r\nHTTP/1.1 200 OK" + REST),
        ("line feed first", b"\nHTTP/1.1 200 OK" + REST),
        ("byte order mark first", b"\xef\xbb\xbfHTTP/1.1 200 OK" + REST),
        ("only the version", b"HTTP/1.1" + REST),
        ("only the version and a blank", b"HTTP/1.1 " + REST),
        ("no version", b"200 OK" + REST),
        ("no status line", LENGTH + b"\r\nok"),
        ("a page", b"<html>hello</html>\r\n\r\n"),
        ("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("TLS alert", b"\x15\x03\x01\x00\x02\x02\x46"),
        ("twice", b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK" + REST),
        ("nothing", b""),
    ] + [(f"{shown(byte)} in the reason", b"HTTP/1.1 200 O" + bytes([byte]) + b"K" + REST)
         for byte in (0, 1, 8, 11, 12, 27, 127)])


def line_ends():
    return both_ends("line end", [
        ("bare LF after the status line", OK[:-2] + b"\n" + LENGTH + b"\r\nok"),
        ("bare LF after a field", OK + b"A: b\n" + LENGTH + b"\r\nok"),
        ("bare LF after the length", OK + b"Content-Length: 2\n\r\nok"),
        ("bare LF as the empty line", OK + LENGTH + b"\nok"),
        ("bare LF everywhere", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
        ("bare CR after the status line", OK[:-2] + b"\r" + LENGTH + b"\r\nok"),
        ("bare CR after a field", OK + b"A: b\r" + LENGTH + b"\r\nok"),
        ("bare CR as the empty line", OK + LENGTH + b"\rok"),
        ("CR CR LF after the status line", OK[:-2] + b"\r\r\n" + LENGTH + b"\r\nok"),
        ("CR CR LF after a field", OK + b"A: b\r\r\n" + LENGTH + b"\r\nok"),
        ("CR CR LF as the empty line", OK + LENGTH + b"\r\r\nok"),
        ("LF CR after a field", OK + b"A: b\n\r" + LENGTH + b"\r\nok"),
    ])


def field_names():
    hostile = b'()<>@,;\\"/[]?={}\x00\x01\x1f\x7f\x80\xff'
    names = [("with a blank", b"A b"), ("and a blank", b"A "), ("and a tab", b"A\t"), ("empty", b""),
             ("of every token character", b"!#$%&'*+-.^_`|~09azAZ"), ("of 8 KiB", b"x" * 8192)]
    names += [(f"with {shown(byte)}", b"A" + bytes([byte]) + b"b") for byte in hostile]
    return family("field name", [(label, counted(name + b": c\r\n")) for label, name in names]) + family(
        "field line", [
            ("without a colon", counted(b"A\r\n")),
            ("without a colon, after another", counted(b"A: b\r\nC\r\n")),
            ("of a colon", counted(b":\r\n")),
            ("folded", counted(b"A: b\r\n c\r\n")),
            ("folded with a tab", counted(b"A: b\r\n\tc\r\n")),
            ("folded to nothing", counted(b"A: b\r\n \r\n")),
            ("folded as the first", counted(b" A: b\r\n")),
            ("folded as the first with a tab", counted(b"\tA: b\r\n")),
            ("HTTP/2's status", counted(b":status: 200\r\n")),
            ("twice", counted(b"A: b\r\nA: c\r\n")),
            ("in other letter case", counted(b"aBc: d\r\nABC: e\r\n")),
        ])


def field_values():
    hostile = bytes(b for b in range(32) if b not in (9, 10)) + b"\x7f"
    values = [("empty", b""), ("of blanks", b"  \t "), ("between blanks", b"\t b \t"), ("with a tab", b"b\tc"),
              ("with a colon", b"b:c"), ("with high bytes", b"\xff\x80\xc3\xa9"), ("quoted", b'"b, c"'),
              ("of 8 KiB", b"x" * 8192), ("of 60 KiB", b"x" * 61440), ("of 90 KiB", b"x" * 92160),
              ("of 120 KiB", b"x" * 122880), ("of 300 KiB", b"x" * 307200)]
    values += [(f"with {shown(byte)}", b"b" + bytes([byte]) + b"c") for byte in hostile]
    return family("field value", [(label, counted(b"A: " + value + b"\r\n")) for label, value in values]
                  + [("at once", counted(b"A:b\r\n"))])


def field_counts():
    def many(count):
        return counted(b"".join(b"A%d: b\r\n" % i for i in range(count - 1)))
    return family("field count", [(str(count), many(count)) for count in (50, 100, 101, 999, 1000, 1001, 3000)])


def interim():
    final = counted()
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    cases = [(f"{status} first", b"HTTP/1.1 %d X\r\n\r\n" % status + final)
             for status in (100, 101, 102, 103, 104, 199)]
    cases += [(f"103, {count} times", early * count + final) for count in (2, 10, 64, 65, 500)]
    return both_ends("interim", cases + [
        ("HTTP/1.0", b"HTTP/1.0 100 Continue\r\n\r\n" + final),
        ("with Content-Length 0", b"HTTP/1.1 100 X\r\nContent-Length: 0\r\n\r\n" + final),
        ("with Content-Length 2", b"HTTP/1.1 100 X\r\nContent-Length: 2\r\n\r\n" + final),
        ("with a body", b"HTTP/1.1 100 X\r\nContent-Length: 2\r\n\r\nno" + final),
        ("chunked", b"HTTP/1.1 100 X\r\nTransfer-Encoding: chunked\r\n\r\n" + final),
        ("chunked with a body", b"HTTP/1.1 100 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + final),
        ("Connection: close", b"HTTP/1.1 100 X\r\nConnection: close\r\n\r\n" + final),
        ("empty line behind", b"HTTP/1.1 100 X\r\n\r\n\r\n" + final),
        ("malformed field", b"HTTP/1.1 100 X\r\nA : b\r\n\r\n" + final),
        ("folded field", b"HTTP/1.1 100 X\r\nA: b\r\n c\r\n\r\n" + final),
        ("bare LF", b"HTTP/1.1 100 X\n\n" + final),
        ("nothing behind", early),
        ("half a head behind", early + OK),
        ("switching", b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + final),
    ])


def connections():
    values = ["close", "Close", "keep-alive", "close, keep-alive", "keep-alive, close", "foo", "", ",",
              "foo, close", "close;q=1", "upgrade", "Content-Length"]
    answers = [(f"1.{minor} {value or 'empty'}", b"HTTP/1.%d 200 OK\r\nConnection: " % minor + value.encode()
                + b"\r\n" + LENGTH + b"\r\nok") for minor in (0, 1) for value in values]
    return both_ends("connection", answers + [
        ("twice", counted(b"Connection: keep-alive\r\nConnection: close\r\n")),
        ("Proxy-Connection", counted(b"Proxy-Connection: close\r\n")),
        ("Keep-Alive hint 0", counted(b"Keep-Alive: timeout=0\r\n")),
        ("Keep-Alive hint odd", counted(b"Keep-Alive: timeout=99999999999999999999, max=\r\n")),
        ("upgrade named", counted(b"Connection: upgrade\r\nUpgrade: h2c\r\n")),
    ])


def all_cases():
    return (versions() + statuses() + status_lines() + line_ends() + field_names() + field_values()
            + field_counts() + interim() + connections())
