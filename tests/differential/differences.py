"""Every difference between aggr over its native transport and the others, with its reason.

They are those of libcurl 7.88, Python 3.11 and Node 20; `stricter` and `laxer` are said of aggr.
"""
from compare import Difference

DIFFERENCES = [
    Difference(
        "stricter", "malformed status line: \"\"",
        "RFC 9112 section 2.2: it is a server that may skip empty lines before a message; a client that "
        "does takes what lies behind one response for the next.",
        node={"status line": 2, "interim": 2}),
    Difference(
        "stricter", "malformed status line",
        "RFC 9112 section 4: one version of eight characters, one blank, three digits, one blank, a "
        "reason without control characters. Others split it somewhere and take what is left.",
        python={"version": 7, "status": 1, "status line": 11, "line end": 4, "insert length": 28,
                "remove length": 1, "random length": 1, "random chunks": 1},
        node={"version": 3, "status": 2, "status line": 7, "insert length": 5}),
    Difference(
        "stricter", "malformed response head: a line that does not end in CR LF",
        "RFC 9112 section 2.2 allows a recipient to take a bare LF; where two on the way disagree on it, "
        "one response becomes two.",
        python={"line end": 12, "interim": 2, "insert length": 29, "remove length": 3, "random chunks": 2},
        node={"status line": 1, "insert length": 1}),
    Difference(
        "stricter", "malformed response head",
        "RFC 9112 section 2.2: CR and LF end a line together and nowhere else; llhttp found one alone.",
        curl={"line end": 1},
        python={"line end": 1}),
    Difference(
        "stricter", "malformed header field: a folded line",
        "RFC 9112 section 5.2: folding is obsolete; a user agent may take it for blanks, which hides a "
        "field from whoever reads line by line.",
        python={"field line": 5, "interim": 2, "length": 2, "insert length": 2}),
    Difference(
        "stricter", "malformed header field: a blank before the colon",
        "RFC 9112 section 5.1: no blank before the colon, it has made for different names of one field.",
        python={"field name": 3, "interim": 2, "length": 4, "transfer encoding": 2, "insert length": 4,
                "remove length": 1, "random chunks": 2}),
    Difference(
        "stricter", "malformed header field: a control character",
        "RFC 9110 section 5.5: CR, LF and NUL are dangerous in a value; no other control character is "
        "valid.",
        python={"line end": 4, "field value": 31, "length": 6, "transfer encoding": 6, "insert length": 13,
                "random chunks": 1}),
    Difference(
        "stricter", "malformed header field",
        "RFC 9110 section 5.1: a name is a token, not empty, with a colon behind it. http.client takes "
        "the lines before such a line for all there are.",
        python={"status line": 1, "line end": 1, "field name": 23, "field line": 4, "insert length": 16,
                "random length": 2, "random chunks": 8}),
    Difference(
        "stricter", "status 101",
        "RFC 9110 section 7.8: nobody asked for another protocol, so none can be switched to.",
        python={"interim": 4},
        node={"interim": 4}),
    Difference(
        "stricter", "more than 64 interim responses",
        "A limit of ours, so that a server cannot keep us busy for ever.",
        python={"interim": 4},
        node={"interim": 4}),
    Difference(
        "stricter", "more than 1000 header fields",
        "A limit of ours; Node's is on bytes.",
        node={"field count": 1}),
    Difference(
        "stricter", "connection closed inside the response head",
        "RFC 9112 section 8: a head cut short is no response; http.client takes the end of the connection "
        "for the end of the head, or an interim response for the final one.",
        python={"interim": 2, "cut length": 9}),
    Difference(
        "stricter", "malformed Content-Length",
        "RFC 9112 section 6.3: an invalid length is an unrecoverable error. http.client reads to the end "
        "of the connection instead, or what Python takes for a number.",
        python={"length": 41, "insert length": 16, "random length": 2},
        node={"length": 2}),
    Difference(
        "stricter", "more than one Content-Length",
        "RFC 9112 section 6.3: lengths that differ are an error, and equal ones only a recipient that "
        "must may join; nobody honest sends them.",
        python={"length": 10, "no body": 23}),
    Difference(
        "stricter", "the body of",
        "Our own limit of 16 MiB, told by the head; the others wait for the bytes.",
        python={"length": 2},
        node={"length": 3}),
    Difference(
        "stricter", "the body is longer than its Content-Length",
        "RFC 9112 section 6.3: the server's length or its body is wrong. The others drop the bytes, or "
        "close the connection without a word.",
        curl={"length": 4, "no body": 2, "behind": 70, "insert length": 21, "remove length": 2,
              "random length": 5},
        python={"length": 4, "no body": 2, "behind": 70, "insert length": 21, "remove length": 2,
                "random length": 5},
        node={"behind": 30}),
    Difference(
        "stricter", "body bytes in a response that has no body",
        "RFC 9112 section 6.3: answers to HEAD, 204 and 304 end with their head. The others drop the "
        "bytes, or close the connection without a word.",
        curl={"no body": 38, "behind": 36},
        python={"no body": 38, "behind": 36},
        node={"behind": 22}),
    Difference(
        "stricter", "Transfer-Encoding in HTTP/1.0",
        "RFC 9112 section 6.1: such a message has faulty framing; who passed it on may have read it "
        "otherwise.",
        python={"transfer encoding": 6, "no body": 8},
        node={"transfer encoding": 4, "no body": 2}),
    Difference(
        "stricter", "Transfer-Encoding is",
        "RFC 9112 section 6.1: we asked for no other coding (no TE field), and what only looks like "
        "chunked has been read in two ways before. Others read to the end of the connection.",
        python={"transfer encoding": 38, "random chunks": 3},
        node={"transfer encoding": 34, "random chunks": 3}),
    Difference(
        "stricter", "more than one Transfer-Encoding",
        "RFC 9112 section 6.1: chunked is applied once, and we asked for no other coding.",
        python={"transfer encoding": 4},
        node={"transfer encoding": 4}),
    Difference(
        "stricter", "both Content-Length and",
        "RFC 9112 section 6.3: this might be an attempt at response splitting and ought to be an error.",
        python={"transfer encoding": 8, "no body": 17}),
    Difference(
        "stricter", "malformed chunked body: bytes after its end",
        "RFC 9112 section 7.1: what follows the last chunk answers nothing. The others close the "
        "connection without a word.",
        python={"behind": 16, "insert chunks": 1},
        node={"behind": 10, "insert chunks": 1}),
    Difference(
        "stricter", "malformed chunked body: a chunk size too large",
        "RFC 9112 section 7.1 warns of overflows: at most 16 digits, leading zeros among them, and no "
        "more than fits in 63 bits.",
        python={"chunk size": 4},
        node={"chunk size": 7}),
    Difference(
        "stricter", "malformed chunked body: a trailer field",
        "RFC 9110 section 6.5.1: framing may not stand in trailers.",
        python={"trailer": 6},
        node={"trailer": 4}),
    Difference(
        "stricter", "malformed chunked body: more than 100 trailer",
        "A limit of ours.",
        python={"trailer": 2},
        node={"trailer": 2}),
    Difference(
        "stricter", "malformed chunked body: more than 16 KiB",
        "A limit of ours.",
        python={"chunk extension": 2}),
    Difference(
        "stricter", "malformed chunked body: a trailer line",
        "RFC 9112 section 2.2, as for the lines of a head.",
        python={"chunk line": 2, "trailer": 2, "insert chunks": 23, "remove chunks": 2, "random chunks": 1}),
    Difference(
        "stricter", "malformed chunked body",
        "RFC 9112 section 7.1: a size is hexadecimal digits, then a line's end or an extension, and CR LF "
        "follows the data. http.client reads a size as Python reads a number, and skips two bytes after "
        "the data whatever they are.",
        python={"chunk size": 21, "chunk extension": 10, "chunk line": 13, "insert chunks": 34,
                "remove chunks": 2, "random chunks": 2}),
    Difference(
        "stricter", "malformed trailer field",
        "RFC 9112 section 7.1.2: trailers are fields as those of a head; http.client skips their lines "
        "unread.",
        python={"trailer": 16, "insert chunks": 32, "remove chunks": 4, "random chunks": 1}),
    Difference(
        "stricter", "connection closed inside the body",
        "RFC 9112 section 8: without the last empty line a chunked body is incomplete; http.client takes "
        "the end of the connection for it.",
        python={"chunk line": 2, "trailer": 2, "remove chunks": 1, "cut chunks": 9}),
    Difference(
        "stricter", "more than 2 content codings",
        "A limit of ours: each further coding multiplies what few bytes can become.",
        python={"coding": 1},
        node={"coding": 1}),
    Difference(
        "stricter", "bytes after the end of the",
        "RFC 1952 section 2.2, RFC 1950 section 2.2, RFC 7932 section 9: nothing but further members of "
        "gzip may follow. The others drop the bytes.",
        python={"coding": 2},
        node={"coding": 3}),
    Difference(
        "stricter", "the body ends inside its",
        "RFC 9110 section 8.4: no bytes are no gzip; an empty body that ends with the connection may have "
        "been cut. The others' users do not even decode it.",
        python={"coding": 1, "cut gzip to the end": 1},
        node={"coding": 1, "cut gzip to the end": 1}),
    Difference(
        "stricter", "corrupt gzip body: unknown header flags",
        "RFC 1952 section 2.3.1.2: a reserved bit has to be an error.",
        python={"coding": 1}),
    Difference(
        "laxer", "a response header line over 100 KiB",
        "libcurl's limit on a line; ours is on the head, 256 KiB.",
        curl={"field value": 1}),
    Difference(
        "laxer", "connection reset inside the body",
        "libcurl's limit on trailers, 4 KiB; ours is 64 KiB.",
        curl={"trailer": 4}),
    Difference(
        "laxer", "'br'",
        "Python has no brotli.",
        python={"coding": 1}),
    Difference(
        "laxer", "Error -3 while decompressing",
        "Bare deflate is what many servers send (RFC 9110 section 8.4.1.2); its user has to know.",
        python={"coding": 1}),
    Difference(
        "laxer", "incorrect header check",
        "Bare deflate is what many servers send (RFC 9110 section 8.4.1.2); its user has to know.",
        node={"coding": 1}),
    Difference(
        "laxer", "IncompleteRead(0 bytes read)",
        "RFC 9112 section 6.3: 204 and 304 end with their head, though it says chunked; http.client wants "
        "chunks.",
        python={"no body": 2}),
    Difference(
        "laxer", "got more than 100 headers",
        "http.client's limit; ours is 1,000.",
        python={"field count": 4}),
    Difference(
        "laxer", "got more than 65536 bytes",
        "http.client's limit on a line; ours is on the head, 256 KiB.",
        python={"field value": 2}),
    Difference(
        "laxer", "Parse Error: Header overflow",
        "Node's limit on a head or trailers, 16 KiB; ours are 256 and 64 KiB.",
        node={"status line": 1, "field value": 3, "trailer": 2}),
    Difference(
        "laxer", "Parse Error: Data after `Connection: close`",
        "RFC 9110 section 15.2: an interim response is not the last, whatever it says of the connection; "
        "llhttp takes it for the last.",
        node={"interim": 4}),
    Difference(
        "laxer", "Parse Error: Invalid character in Content-Length",
        "RFC 9110 section 5.6.3: a tab behind a value is a blank like any other.",
        node={"length": 2, "insert length": 1}),
    Difference(
        "laxer", "Parse Error: Invalid character in chunk",
        "RFC 9112 section 7.1.1: blanks around the parts of an extension have to be borne. An empty name "
        "hides nothing.",
        node={"chunk extension": 10, "insert chunks": 4}),
    Difference(
        "reads", "",
        "RFC 9110 section 15.2: a client has to expect any number of interim responses; http.client takes "
        "any but 100 for the final one.",
        python={"interim": 14}),
    Difference(
        "reads", "",
        "RFC 9110 section 5.6.3: a tab before or behind \"chunked\" is a blank like any other; the others "
        "read to the end of the connection.",
        python={"transfer encoding": 2},
        node={"transfer encoding": 1}),
    Difference(
        "sooner", "",
        "RFC 9110 section 5.6.3: as above; the end does not come.",
        python={"transfer encoding": 2},
        node={"transfer encoding": 1}),
    Difference(
        "sooner", "",
        "RFC 9112 section 6.3: 204 and 304 end with their head, though it says chunked; http.client wants "
        "chunks.",
        python={"no body": 2}),
    Difference(
        "waits", "",
        "RFC 9110 section 15.2: http.client takes an interim response for the final one.",
        python={"interim": 2}),
    Difference(
        "laxer", "byte string is too large",
        "RFC 9112 section 7.1: the size fits in 63 bits, and the chunk may yet come; http.client asks for "
        "all its memory at once.",
        python={"chunk size": 1}),
    Difference(
        "kind", "connection closed inside the response head",
        "libcurl keeps a status line to itself until it is whole: before that it says that no byte came, "
        "kind connect.",
        curl={"cut length": 8}),
    Difference(
        "kind", "malformed chunked body: more than 64 KiB",
        "libcurl's limit on trailers, 4 KiB, which it reports as a broken connection.",
        curl={"trailer": 2}),
    Difference(
        "kind", "malformed",
        "libcurl waits for the end of a line or head that cannot become right, and then finds it cut.",
        curl={"line end": 1, "insert length": 4, "remove length": 2, "random length": 1}),
]
