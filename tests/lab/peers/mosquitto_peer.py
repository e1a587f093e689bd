# SPDX-License-Identifier: Apache-2.0
"""mosquitto with persistence: QoS 1, counted by PUBACK, read afterwards by a persistent session."""

import os
import socket
import subprocess
import time

import rig

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configs")


def version():
    done = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True)
    return (done.stdout + done.stderr).split()[2]


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(kind, body):
    size, length = len(body), b""
    while True:
        size, digit = size >> 7, size & 127
        length += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


class Client(rig.Wire):
    """MQTT 3.1.1."""

    def __init__(self, port, name, clean):
        super().__init__(socket.AF_INET, ("127.0.0.1", port))
        self.open = {}  # packet id -> number
        self.next_id = 0
        self.send(packet(0x10, text("MQTT") + bytes([4, 2 if clean else 0]) + (0).to_bytes(2, "big")
                         + text(name)))
        while not self.packets(1):  # CONNACK; what a session holds may follow at once
            self.wait(5)

    def packets(self, most=1 << 30):
        out = []
        while len(self.buffer) >= 2 and len(out) < most:
            size, at = 0, 1
            while at < len(self.buffer):
                size |= (self.buffer[at] & 127) << (7 * (at - 1))
                at += 1
                if self.buffer[at - 1] < 128:
                    break
            else:
                return out
            if len(self.buffer) < at + size:
                return out
            out.append((self.buffer[0], self.buffer[at:at + size]))
            self.buffer = self.buffer[at + size:]
        return out

    def publish(self, n, data):
        self.next_id = self.next_id % 65535 + 1
        self.open[self.next_id] = n
        self.send(packet(0x32, text("load/x") + self.next_id.to_bytes(2, "big") + data))

    def take(self):
        return [self.open.pop(int.from_bytes(body[:2], "big")) for kind, body in self.packets()
                if kind >> 4 == 4]

    def subscribe(self):
        self.send(packet(0x82, (1).to_bytes(2, "big") + text("load/x") + b"\1"))

    def read(self, quiet_seconds):
        """All that comes until nothing has come for a while; each message is acknowledged."""
        found, last = [], time.monotonic()
        while time.monotonic() - last < quiet_seconds:
            if not self.wait(0.1):
                continue
            for kind, body in self.packets():
                if kind >> 4 == 3:
                    last = time.monotonic()
                    size = int.from_bytes(body[:2], "big")
                    self.send(b"\x40\x02" + body[2 + size:4 + size])
                    found.append(rig.number_of(body[4 + size:]))
        return found

    def leave(self):
        """As a client ends properly: all that it said is taken before the connection closes."""
        self.send(b"\xe0\x00")
        try:
            while self.wait(10):
                pass
        except ConnectionError:
            pass
        self.close()


class Mosquitto:
    def __init__(self, config, disk, scratch):
        self.disk, self.scratch = disk, scratch
        self.port = rig.free_port()
        with open(os.path.join(CONFIGS, config)) as file:
            words = file.read()
        self.config = os.path.join(scratch, "mosquitto.conf")
        with open(self.config, "w") as file:
            file.write(words.replace("@PORT@", str(self.port)).replace("@STORE@", disk.path + "/db"))
        self.server = None
        self.got = []

    def start(self):
        os.makedirs(self.disk.path + "/db", exist_ok=True)
        self.server = rig.Server(["mosquitto", "-c", self.config], os.path.join(self.scratch, "log"))
        self.server.ready(rig.tcp_answers(self.port))
        self.collect(0.2)

    def collect(self, quiet_seconds):
        """The subscriber comes, takes what its session holds, and goes; as one does, it subscribes
        again each time."""
        reader = Client(self.port, "reader", clean=False)
        reader.subscribe()
        self.got += reader.read(quiet_seconds)
        reader.leave()

    def before_load(self):
        pass

    def after_cut(self):
        self.collect(5)

    def client(self):
        return Client(self.port, "writer", clean=True)

    def found(self, wanted):
        self.collect(5)
        return self.got

    def kill(self):
        if self.server:
            self.server.kill()

    stop_all = kill
