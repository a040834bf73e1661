"""What every section needs: the builds, the fixture, programs that take turns, rows of the table."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MAX_SECONDS = 900
TARGETS = ["aggr", "aggr-fixture", "aggr-bench-launch", "aggr-bench-multi", "aggr-bench-sockets"]


class Bench:
    def __init__(self, options):
        self.quick = options.quick
        self.build_dir = os.path.abspath(options.build)
        self.work = tempfile.mkdtemp(prefix="aggr-bench-")
        self.ca = os.path.join(self.work, "certs", "ca.pem")
        self.fixture = self.base = self.tls_base = None
        self.rows = []

    def path(self, name):
        return os.path.join(self.build_dir, name)

    def row(self, what, measured, target, met):
        self.rows.append((what, measured, target, "yes" if met else "NO"))

    def build(self):
        quiet = {"stdout": subprocess.DEVNULL, "timeout": MAX_SECONDS, "check": True}
        if not os.path.exists(self.path("CMakeCache.txt")):
            subprocess.run(["cmake", "-S", ROOT, "-B", self.build_dir, "-G", "Ninja"], **quiet)
        subprocess.run(["cmake", "--build", self.build_dir, "--target", *TARGETS], **quiet)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o",
                        os.path.join(self.work, "hang_lookup.so"),
                        os.path.join(HERE, "hang_lookup.c"), "-ldl"], **quiet)

    def start_fixture(self):
        certs = os.path.dirname(self.ca)
        subprocess.run([os.path.join(ROOT, "tests", "fixture", "certificates"), certs], check=True,
                       timeout=60)
        # Ends when our end of its standard input closes, whatever happens to us.
        self.fixture = subprocess.Popen(
            [self.path("aggr-fixture"), "--stdin", "--tls", "https", certs + "/good.pem",
             certs + "/good.key"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ports = json.loads(self.fixture.stdout.readline())
        self.base = "http://127.0.0.1:%d" % ports["http"]
        self.tls_base = "https://127.0.0.1:%d" % ports["https"]

    def served(self, reset=False):
        """What the fixture has counted; `reset` starts anew."""
        request = urllib.request.Request(self.base + ("/stats/reset" if reset else "/stats"),
                                         method="POST" if reset else "GET")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def measure(self, command, environment=None):
        """Runs a program to its end: the figures it printed, and launch.c's on the whole process
        (cpu_us, wall_us, peak_kib)."""
        process = subprocess.Popen(
            [self.path("aggr-bench-launch"), *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})
        watchdog = threading.Timer(MAX_SECONDS, process.kill)
        watchdog.start()
        out, err = process.communicate()
        watchdog.cancel()
        if process.returncode != 0:
            raise RuntimeError("%s: exit code %d\n%s" % (" ".join(command), process.returncode,
                                                          err[-2000:]))
        return dict(numbers(out))

    def take_turns(self, programs, rounds, run):
        """Calls run(program) for each, round after round, in changing order: {name: [figures]}.
        A peer that fails is left out."""
        runs = {program.name: [] for program in programs}
        for number in range(rounds):
            for program in programs[number % 2::2] + programs[1 - number % 2::2]:
                if program.name not in runs:
                    continue
                try:
                    runs[program.name].append(run(program))
                except RuntimeError as error:
                    if not program.peer:
                        raise
                    print("tests/bench/run: left out: %s" % error, file=sys.stderr)
                    del runs[program.name]
        return runs

    def close(self):
        if self.fixture:
            self.fixture.stdin.close()
            self.fixture.wait(10)
        shutil.rmtree(self.work)


def numbers(text):
    """The NAME=NUMBER pairs in it."""
    for pair in text.split():
        name, _, value = pair.partition("=")
        try:
            yield name, float(value)
        except ValueError:
            pass


def median(runs, figure):
    return statistics.median(run[figure] for run in runs)


def table(head, rows):
    """Prints a table of figures; the first column has names."""
    print("| " + " | ".join(head) + " |\n|---|" + "--:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
