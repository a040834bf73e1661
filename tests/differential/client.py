"""What Python's http.client makes of the cases: `client.py CASES PORT TIMEOUT`; see clients.py."""
import gzip
import http.client
import json
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

DECODE = {"gzip": gzip.decompress, "x-gzip": gzip.decompress, "deflate": zlib.decompress,
          "identity": lambda body: body}


def fields_of(res):
    values = {}
    for name, value in res.headers.items():
        values.setdefault(name.lower(), []).append(value.strip(" \t"))
    lines = sorted(f"{name}: {', '.join(value)}\n" for name, value in values.items())
    return "".join(lines).encode("latin-1", "replace")


def decoded(res, body):
    for name in reversed(", ".join(res.headers.get_all("Content-Encoding", [])).lower().split(",")):
        if name.strip() and body:
            body = DECODE[name.strip()](body)
    return body


def verdict_of(number, method, port, timeout):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, f"/case/{number}")
        res = connection.getresponse()
        body = decoded(res, res.read())
        return "accept", res.status, fields_of(res).hex(), body.hex()
    except TimeoutError:
        return ("hang",)
    except Exception as err:  # its many exceptions have no common base but this
        return "reject", type(err).__name__, str(err)
    finally:
        connection.close()


def main(path, port, timeout):
    with open(path, encoding="ascii") as file:
        methods = file.read().split()

    def ask(number):
        return number, verdict_of(number, methods[number - 1], int(port), float(timeout))
    with ThreadPoolExecutor(64) as pool:
        for number, verdict in pool.map(ask, range(1, len(methods) + 1)):
            print(json.dumps([number, *verdict]))


main(*sys.argv[1:])
