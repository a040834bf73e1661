"""The programs that are compared: aggr, what we wrote in C, and the peers that are installed.

Each is called with URL TOTAL CONCURRENCY and prints ok, the number of good answers. nginx's Lua
module conflicts with the LuaJIT that aggr is built with on Debian; it is looked for in the folder
BENCH_NGINX_LUA too, where packages may have been unpacked (apt-get download, dpkg -x).
"""
import functools
import os
import shutil
import subprocess

from bench import HERE, MAX_SECONDS


class Program:
    """One way of making many requests. `share`: how many of them, of what aggr makes."""

    def __init__(self, bench, name, command, share=1.0, environment=None, peer=False):
        self.bench, self.name, self.command = bench, name, command
        self.share, self.environment, self.peer = share, environment or {}, peer

    def count(self, total):
        return int(total * self.share)

    def run(self, url, total, concurrency):
        environment = dict(self.environment)
        if url.startswith("https:"):
            for name in ("BENCH_CA", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
                environment[name] = self.bench.ca
        figures = self.bench.measure(self.command(url, str(total), str(concurrency)), environment)
        if figures["ok"] != total:
            raise RuntimeError("%s: %d of %d answers" % (self.name, figures["ok"], total))
        return figures


def plain(*words):
    return lambda *arguments: [*words, *arguments]


def aggr(bench, *flags):
    def command(url, total, concurrency):
        return [bench.path("aggr"), "run", "-q", "--format", "raw", "--concurrency", concurrency,
                "--per-host", concurrency, *flags, os.path.join(HERE, "get.lua"), url, total,
                concurrency]
    return Program(bench, " ".join(["aggr", *flags]), command)


def sockets(bench):
    return Program(bench, "C sockets", plain(bench.path("aggr-bench-sockets")))


def libcurl(bench):
    return Program(bench, "C libcurl multi", plain(bench.path("aggr-bench-multi")))


def libcurl_spread(bench):
    return Program(bench, "C libcurl multi, 64 to a multi", plain(bench.path("aggr-bench-multi")),
                   environment={"BENCH_PER_MULTI": "64"})


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def go(bench):
    if not shutil.which("go"):
        return None
    binary = os.path.join(bench.work, "peer-go")
    subprocess.run(["go", "build", "-o", binary, os.path.join(HERE, "peer.go")], check=True,
                   timeout=MAX_SECONDS, cwd=bench.work)
    return Program(bench, "Go net/http (%s)" % output("go", "env", "GOVERSION"), plain(binary),
                   peer=True)


def node(bench):
    if not shutil.which("node"):
        return None
    folder = os.path.join(bench.work, "node")
    os.mkdir(folder)
    name = "Node fetch"
    if shutil.which("npm"):
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "undici@6"],
                              cwd=folder, timeout=120, capture_output=True, check=False)
        if done.returncode == 0:
            name = "Node undici"
    return Program(bench, "%s (%s)" % (name, output("node", "--version")),
                   plain("node", os.path.join(HERE, "peer.js")), share=0.5, peer=True,
                   environment={"NODE_PATH": os.path.join(folder, "node_modules")})


def aiohttp(bench):
    version = output("/usr/bin/python3", "-c", "import aiohttp; print(aiohttp.__version__)")
    return version and Program(
        bench, "Python aiohttp (%s)" % version,
        plain("/usr/bin/python3", os.path.join(HERE, "peer_aiohttp.py")), share=0.2, peer=True)


def tarantool(bench):
    if not shutil.which("tarantool"):
        return None
    version = output("tarantool", "--version").split("\n")[0].split()[-1].split("-")[0]
    return Program(bench, "Tarantool (%s)" % version,
                   plain("tarantool", os.path.join(HERE, "peer_tarantool.lua")), share=0.5,
                   peer=True)


def nginx(bench):
    root = os.environ.get("BENCH_NGINX_LUA", "")
    modules = root + "/usr/lib/nginx/modules"
    if not shutil.which("nginx") or not os.path.exists(modules + "/ngx_http_lua_module.so"):
        return None
    with open(os.path.join(HERE, "peer_nginx.conf")) as template:
        text = template.read()
    for name, value in (("MODULES", modules), ("LUA", root + "/usr/share/lua/5.1"),
                        ("CA", bench.ca), ("HERE", HERE)):
        text = text.replace("@%s@" % name, value)
    folder = os.path.join(bench.work, "nginx")
    os.mkdir(folder)
    with open(os.path.join(folder, "nginx.conf"), "w") as conf:
        conf.write(text)
    version = output("sh", "-c", "nginx -v 2>&1").rpartition("/")[2]
    return Program(bench, "nginx + Lua, raw sockets (%s)" % version, lambda url, total, concurrency: [
        "env", "BENCH_URL=" + url, "BENCH_TOTAL=" + total, "BENCH_CONCURRENCY=" + concurrency,
        "LD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu" % root,
        "nginx", "-p", folder, "-c", "nginx.conf", "-e", "stderr"], share=0.5, peer=True)


@functools.lru_cache(maxsize=None)
def peers(bench):
    """Those that the machine has."""
    made = (make(bench) for make in (go, nginx, tarantool, node, aiohttp))
    return [program for program in made if program]
