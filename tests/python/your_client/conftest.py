"""A Fleetwright of its own for a test run, with simulated phones and cameras and their faults."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import threading
import urllib.request
from types import SimpleNamespace

import pytest

PROGRAM = os.environ.get("FLEETWRIGHT", "fleetwright")
PROJECT, PHONES, CAMERAS = "demo", 4, 2


class Faults:
    """What is wrong with devices, by their ids."""

    def __init__(self, control):
        host, port = control.rsplit(":", 1)
        self.address, self.faulty = (host, int(port)), set()

    def set(self, device, fault):
        """Gives a device a fault: a word, or a dict of what `simulate ... --fault` takes."""
        self.faulty.add(device)
        self.ask(f"fault {device} {fault if isinstance(fault, str) else json.dumps(fault)}")

    def clear(self, device=None):
        """Makes a device healthy again; without one, all that were given a fault."""
        for one in [device] if device else list(self.faulty):
            self.ask(f"clear {one}")
            self.faulty.discard(one)

    def ask(self, line):
        with socket.create_connection(self.address, timeout=30) as control:
            control.sendall(line.encode() + b"\n")
            answer = control.makefile(encoding="utf-8").readline().strip()
        if not answer.startswith("ok"):
            raise ValueError(answer)


@pytest.fixture(scope="session")
def fleetwright(tmp_path_factory):
    """A server on free ports: endpoint, ak, sk, project; the ids of phones and of cameras."""
    ak, sk = secrets.token_hex(10).upper(), secrets.token_hex(20)
    sk_file = tmp_path_factory.mktemp("fleetwright") / "sk"
    sk_file.write_text(sk)
    server = subprocess.Popen(
        [PROGRAM, "demo", "--quiet", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        + ["--project", PROJECT, "--ak", ak, "--sk-file", str(sk_file), "--boot", "200ms"]
        + ["--phones", str(PHONES), "--cameras", str(CAMERAS), "--job-deadline", "5s"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if line.startswith("ready "):
                break
        else:
            raise RuntimeError("it ended: " + "".join(said))
        threading.Thread(target=server.stderr.read, daemon=True).start()
        where = dict(word.split("=", 1) for word in said[-1].split()[1:])
        devices = [json.loads(server.stdout.readline()) for _ in range(PHONES + CAMERAS)]
        ids = lambda kind: [device["id"] for device in devices if device["kind"] == kind]
        token = pathlib.Path(where["data"], "admin-token").read_text().strip()
        yield SimpleNamespace(
            endpoint="http://" + where["http"], control=where["control"], admin_token=token,
            ak=ak, sk=sk, project=PROJECT, phones=ids("phone"), cameras=ids("camera"),
            camera_password=devices[-1]["password"])
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture
def faults(fleetwright):
    """`faults.set(id, "away")`, `faults.clear(id)`; after the test all devices are healthy."""
    faults = Faults(fleetwright.control)
    yield faults
    faults.clear()


@pytest.fixture
def jobs_of(fleetwright):
    """How many jobs of an update stand where: ISS tells of none, the native API tells of all."""
    def ask(request_id):
        headers = {"Authorization": "Bearer " + fleetwright.admin_token}
        call = urllib.request.Request(
            f"{fleetwright.endpoint}/api/v1/updates/{request_id}", headers=headers)
        with urllib.request.urlopen(call, timeout=30) as answer:
            return json.load(answer)["jobs"]
    return ask
