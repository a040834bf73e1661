"""Content codings: whole, cut, damaged, doubled, misnamed."""
import gzip
import zlib

from case import CHUNKED, OK, counted, family

TEXT = b"hello, hello, hello, hello\n" * 8
GZIP = gzip.compress(TEXT, mtime=0)
ZLIB = zlib.compress(TEXT)
BARE = ZLIB[2:-4]
BROTLI = b"\x0b\x02\x80hello\x03"  # "hello", stored


def coded(name, body):
    return counted(b"Content-Encoding: " + name + b"\r\n", body)


def gzip_with(flags, extra):
    """A member whose header has optional parts (RFC 1952 section 2.3)."""
    return GZIP[:3] + bytes([flags]) + GZIP[4:10] + extra + GZIP[10:]


def whole():
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)
    return [
        ("gzip", coded(b"gzip", GZIP)),
        ("GZip", coded(b"GZip", GZIP)),
        ("x-gzip", coded(b"x-gzip", GZIP)),
        ("stored gzip", coded(b"gzip", stored.compress(TEXT) + stored.flush())),
        ("gzip with a name", coded(b"gzip", gzip_with(8, b"name\x00"))),
        ("gzip with an extra field", coded(b"gzip", gzip_with(4, b"\x02\x00ab"))),
        ("gzip of nothing", coded(b"gzip", gzip.compress(b"", mtime=0))),
        ("gzip of two members", coded(b"gzip", GZIP + GZIP)),
        ("gzip in chunks", OK + b"Content-Encoding: gzip\r\n" + CHUNKED + b"\r\n"
         + b"%x\r\n" % len(GZIP) + GZIP + b"\r\n0\r\n\r\n"),
        ("gzip to the end", OK + b"Content-Encoding: gzip\r\n\r\n" + GZIP),
        ("gzip twice", coded(b"gzip, gzip", gzip.compress(GZIP, mtime=0))),
        ("gzip in two fields", counted(b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
                                       gzip.compress(GZIP, mtime=0))),
        ("gzip three times", coded(b"gzip, gzip, gzip", gzip.compress(gzip.compress(GZIP, mtime=0), mtime=0))),
        ("deflate", coded(b"deflate", ZLIB)),
        ("bare deflate", coded(b"deflate", BARE)),
        ("br", coded(b"br", BROTLI)),
        ("identity", coded(b"identity", TEXT)),
        ("identity and gzip", coded(b"identity, gzip", GZIP)),
        ("empty name", coded(b"", TEXT)),
        ("empty body", coded(b"gzip", b"")),
        ("empty body to the end", OK + b"Content-Encoding: gzip\r\n\r\n"),
    ]


def damaged():
    def flipped(at):
        return GZIP[:at] + bytes([GZIP[at] ^ 1]) + GZIP[at + 1:]
    return [
        ("gzip cut in its header", coded(b"gzip", GZIP[:5])),
        ("gzip cut behind its header", coded(b"gzip", GZIP[:10])),
        ("gzip cut in its data", coded(b"gzip", GZIP[:-12])),
        ("gzip cut before its trailer", coded(b"gzip", GZIP[:-8])),
        ("gzip cut in its trailer", coded(b"gzip", GZIP[:-3])),
        ("gzip cut in chunks", OK + b"Content-Encoding: gzip\r\n" + CHUNKED + b"\r\n9\r\n" + GZIP[:9]
         + b"\r\n0\r\n\r\n"),
        ("gzip cut to the end", OK + b"Content-Encoding: gzip\r\n\r\n" + GZIP[:-1]),
        ("second member cut", coded(b"gzip", GZIP + GZIP[:-1])),
        ("outer gzip cut", coded(b"gzip, gzip", gzip.compress(GZIP, mtime=0)[:-1])),
        ("inner gzip cut", coded(b"gzip, gzip", gzip.compress(GZIP[:-1], mtime=0))),
        ("wrong checksum", coded(b"gzip", flipped(-8))),
        ("wrong size", coded(b"gzip", flipped(-4))),
        ("wrong method", coded(b"gzip", flipped(2))),
        ("reserved flag", coded(b"gzip", gzip_with(0x80, b""))),
        ("junk behind", coded(b"gzip", GZIP + b"junk")),
        ("NULs behind", coded(b"gzip", GZIP + b"\x00" * 8)),
        ("not gzip", coded(b"gzip", TEXT)),
        ("not gzip, one byte", coded(b"gzip", b"x")),
        ("named once, done twice", coded(b"gzip", gzip.compress(GZIP, mtime=0))),
        ("named twice, done once", coded(b"gzip, gzip", GZIP)),
        ("deflate cut", coded(b"deflate", ZLIB[:-1])),
        ("deflate of a wrong checksum", coded(b"deflate", ZLIB[:-1] + b"\x00")),
        ("junk behind deflate", coded(b"deflate", ZLIB + b"junk")),
        ("bare deflate cut", coded(b"deflate", BARE[:-2])),
        ("deflate named gzip", coded(b"gzip", ZLIB)),
        ("gzip named deflate", coded(b"deflate", GZIP)),
        ("br cut", coded(b"br", BROTLI[:-1])),
        ("junk behind br", coded(b"br", BROTLI + b"junk")),
        ("not br", coded(b"br", TEXT)),
        ("unknown", coded(b"lzma", TEXT)),
        ("with a parameter", coded(b"gzip;q=1", GZIP)),
    ]


def all_cases():
    return family("coding", whole()) + family("coding", damaged())
