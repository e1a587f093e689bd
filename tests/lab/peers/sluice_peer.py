# SPDX-License-Identifier: Apache-2.0
"""Sluice: counted in its log, or through sluice-uplink at a hub."""

import os
import socket
import subprocess
import uuid

import msgpack

import nats_peer
import rig

BIN = os.environ.get("SLUICE_BIN_DIR", "build/dev/bin")


def version():
    done = subprocess.run([BIN + "/sluiced", "--version"], capture_output=True, text=True)
    return done.stdout.split()[-1]


class Client(rig.Wire):
    """MessagePack-RPC."""

    def __init__(self, path):
        super().__init__(socket.AF_UNIX, path)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=64 << 20)
        self.number = 0
        self.open = {}

    def publish(self, n, data):
        self.number += 1
        self.open[self.number] = n
        event = {"stream": "load/x", "type": "Sampled", "id": str(uuid.uuid4()),
                 "data": {"n": n, "pad": data[10:].decode()}}
        self.send(msgpack.packb([0, self.number, "append", [[event]]]))

    def answers(self):
        self.unpacker.feed(self.buffer)
        self.buffer = b""
        return [(message[1], message[2], message[3]) for message in self.unpacker]

    def take(self):
        return [self.open.pop(number) for number, error, _ in self.answers() if error is None]

    def call(self, method, params):
        self.number += 1
        self.send(msgpack.packb([0, self.number, method, params]))
        while True:
            for number, error, result in self.answers():
                if number == self.number:
                    if error is not None:
                        raise RuntimeError(str(error))
                    return result
            self.wait(10)


def body_number(body):
    """n of one of the load's events, None for others (docs/event-format.md)."""
    for member in msgpack.unpackb(body, raw=False, strict_map_key=False):
        if isinstance(member, dict) and "n" in member and "pad" in member:
            return member["n"]
    return None


class Sluice:
    """sluiced alone, all defaults; what it has is read from it."""

    def __init__(self, disk, scratch, hub=None):
        self.disk, self.scratch = disk, scratch
        self.run = os.path.join(scratch, "run")
        os.makedirs(self.run, exist_ok=True)
        self.config = os.path.join(scratch, "sluice.toml")
        with open(self.config, "w") as file:
            file.write(f'[gateway]\nid = "lab-1"\nstate = "{disk.path}/state"\nrun = "{self.run}"\n')
            if hub:
                file.write(f'[uplink]\nurls = ["nats://127.0.0.1:{hub}"]\n')
        self.server = None

    def start(self):
        self.server = rig.Server([BIN + "/sluiced", "--config", self.config],
                                 os.path.join(self.scratch, "log"))

        def ready():
            try:
                client = self.client()
                epoch = client.call("status", []).get("epoch")
                client.close()
                return epoch is not None
            except OSError:
                return False
        self.server.ready(ready, 90)  # a start soon after another waits

    def client(self):
        return Client(os.path.join(self.run, "ingest.sock"))

    def before_load(self):
        pass

    def after_cut(self):
        pass

    def found(self, wanted):
        client, numbers, at = self.client(), [], 1
        while True:
            page = client.call("read", [{"lane": "telemetry", "from": at, "limit": 256}])
            if not page["events"]:
                client.close()
                return numbers
            numbers += [n for n in map(body_number, page["events"]) if n is not None]
            at = page["next"]

    def kill(self):
        if self.server:
            self.server.kill()

    stop_all = kill


class Uplinked(Sluice):
    """The same with sluice-uplink and a hub on another disk, where the events are counted."""

    def __init__(self, disk, scratch, binary, link):
        self.binary, self.link = binary, link
        self.port = rig.free_port()
        super().__init__(disk, scratch, hub=self.port)
        with open(os.path.join(nats_peer.CONFIGS, "nats-default.conf")) as file:
            text = file.read()
        self.hub_config = os.path.join(scratch, "hub.conf")
        with open(self.hub_config, "w") as file:
            file.write(text.replace("@PORT@", str(self.port)).replace("@STORE@", scratch + "/hub"))
        self.hub = self.uplink = None

    def start_hub(self):
        self.hub = rig.Server([self.binary, "-c", self.hub_config], os.path.join(self.scratch, "hub.log"))
        self.hub.ready(rig.tcp_answers(self.port))
        rig.poll_until(lambda: subprocess.run(
            [BIN + "/sluice", "provision", "--nats", f"nats://127.0.0.1:{self.port}", "--max-bytes",
             "1GiB", "--keep-forever"], capture_output=True).returncode == 0, 20, "provision")

    def start(self):
        super().start()
        self.uplink = rig.Server([BIN + "/sluice-uplink", "--config", self.config],
                                 os.path.join(self.scratch, "uplink.log"))

    def before_load(self):
        self.start_hub()
        rig.poll_until(lambda: self.hub_count() > 0, 30, "the first event at the hub")
        if not self.link:
            self.hub.process.terminate()
            self.hub.process.wait()

    def after_cut(self):
        if not self.link:
            self.start_hub()

    def hub_count(self):
        client = nats_peer.Client(self.port)
        info = client.request("$JS.API.STREAM.INFO.EVENTS-main", "")
        client.close()
        return info.get("state", {}).get("messages", 0)

    def found(self, wanted):
        # Each start's own events are there as well, so that a count alone does not tell the end.
        nats_peer.wait_for_all(self.hub_count, len(wanted) + 10_000)
        client = nats_peer.Client(self.port)
        bodies = nats_peer.read_stream(client, "EVENTS-main")
        client.close()
        return [n for n in map(body_number, bodies) if n is not None]

    def kill(self):
        if self.uplink:
            self.uplink.kill()
        super().kill()

    def stop_all(self):
        self.kill()
        if self.hub:
            self.hub.kill()
