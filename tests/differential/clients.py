"""The clients of the differential test, each one process that asks for every case.

A client prints a JSON list per case: its number and
  "accept", status, fields, body   both in hex; fields: sorted lines "name: value", repeats joined
  "reject", kind, message
  "hang"                           nothing more came within the time-out
  "probe", what                    besides: the request after this case got something else than its answer
"""
import asyncio
import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
NODE = "v20."
CASE_TIMEOUT_S = "4"
CLIENT_TIMEOUT_S = 50


@dataclass
class Client:
    name: str
    verdicts: dict = field(default_factory=dict)  # number -> (word, what it read or why it refused)
    probes: dict = field(default_factory=dict)    # number -> what the next request got instead
    trouble: str = ""                             # why there are no verdicts


def summary(data):
    return f"{len(data) // 2} bytes {hashlib.sha256(data.encode()).hexdigest()[:8]}"


def take(client, number, word, *details):
    if word == "probe":
        client.probes[number] = details[0]
    elif word == "accept":
        status, fields, body = details
        client.verdicts[number] = (word, f"{status}, fields {summary(fields)}, body {summary(body)}")
    else:
        client.verdicts[number] = (word, ": ".join(details))


async def run(name, *command):
    client = Client(name)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, err = await asyncio.wait_for(process.communicate(), CLIENT_TIMEOUT_S)
    except asyncio.TimeoutError:
        process.kill()
        client.trouble = f"{name} took more than {CLIENT_TIMEOUT_S} s"
        return client
    if process.returncode != 0:
        client.trouble = f"{name} ended with {process.returncode}: {err.decode()[-2000:]}"
    for line in out.decode().splitlines():
        take(client, *json.loads(line))
    return client


def node_there():
    """Whether Node is installed, and the one whose differences are listed: another has another parser."""
    if not shutil.which("node"):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if version.startswith(NODE):
        return True
    print(f"node {version} is left out: what is listed are the differences of {NODE}*")
    return False


async def run_all(binary, cases_path, port):
    """Every client that there is, ours first."""
    rest = [str(cases_path), str(port), CASE_TIMEOUT_S]
    aggr = [binary, "run", "--transport"]
    commands = [("native", *aggr, "native", str(HERE / "client.lua"), *rest),
                ("curl", *aggr, "curl", str(HERE / "client.lua"), *rest),
                ("python", "/usr/bin/python3", "-B", str(HERE / "client.py"), *rest)]
    if node_there():
        commands.append(("node", "node", str(HERE / "client.js"), *rest))
    return await asyncio.gather(*(run(*command) for command in commands))
