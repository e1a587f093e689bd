# SPDX-License-Identifier: Apache-2.0
"""rsyslog with a disk queue: RELP in, RELP out; counted by RELP's answers on both sides."""

import os
import re
import socket
import subprocess
import threading
import time

import rig

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configs")
OFFER = b"relp_version=0\nrelp_software=lab\ncommands=syslog"


def version():
    return subprocess.run(["rsyslogd", "-v"], capture_output=True, text=True).stdout.split()[1]


HEAD = re.compile(rb"\n*(\d+) (\w+) (\d+)([ \n])")


def frames(buffer):
    """Whole RELP frames (transaction, command, data), and what is left."""
    out = []
    while head := HEAD.match(buffer):
        size = int(head[3])
        end = head.end() + size + (1 if size else 0)  # a frame without data ends with its head
        if len(buffer) < end:
            break
        out.append((int(head[1]), head[2], buffer[head.end():head.end() + size]))
        buffer = buffer[end:]
    return out, buffer


def frame(transaction, command, data):
    size = b" " + data if data else b""
    return b"%d %s %d%s\n" % (transaction, command, len(data), size)


class Client(rig.Wire):
    def __init__(self, port):
        super().__init__(socket.AF_INET, ("127.0.0.1", port))
        self.transaction = 1
        self.open = {}
        self.send(frame(1, b"open", OFFER))
        while not self.read():
            self.wait(5)

    def read(self):
        out, self.buffer = frames(self.buffer)
        return out

    def publish(self, n, data):
        self.transaction += 1
        self.open[self.transaction] = n
        self.send(frame(self.transaction, b"syslog", b"<13>Nov 21 12:00:00 lab load: " + data))

    def take(self):
        return [self.open.pop(number) for number, command, data in self.read()
                if command == b"rsp" and data.startswith(b"200") and number in self.open]


class Receiver(threading.Thread):
    """The central end, off the disk under test: takes what rsyslog forwards."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.got, self.last = [], time.monotonic()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        buffer = b""
        while True:
            try:
                got = connection.recv(1 << 16)
            except OSError:
                return
            if not got:
                return
            heard, buffer = frames(buffer + got)
            for number, command, data in heard:
                if command == b"syslog":
                    self.got.append(int(data.strip()[:10]))
                    self.last = time.monotonic()
                answer = b"200 OK" + (b"\n" + OFFER if command == b"open" else b"")
                connection.sendall(frame(number, b"rsp", answer))


class Rsyslog:
    def __init__(self, config, disk, scratch):
        self.disk, self.scratch = disk, scratch
        self.port, self.target = rig.free_port(), rig.free_port()
        with open(os.path.join(CONFIGS, config)) as file:
            words = file.read()
        self.config = os.path.join(scratch, "rsyslog.conf")
        with open(self.config, "w") as file:
            file.write(words.replace("@PORT@", str(self.port)).replace("@TARGET@", str(self.target))
                       .replace("@STORE@", disk.path + "/queue"))
        self.server = self.receiver = None

    def start(self):
        os.makedirs(self.disk.path + "/queue", exist_ok=True)
        pid_file = os.path.join(self.scratch, "pid")
        if os.path.exists(pid_file):
            os.unlink(pid_file)
        self.server = rig.Server(["rsyslogd", "-n", "-f", self.config, "-i", pid_file],
                                 os.path.join(self.scratch, "log"))
        self.server.ready(rig.tcp_answers(self.port))

    def before_load(self):
        pass  # the central end is away while the load runs

    def after_cut(self):
        self.receiver = Receiver(self.target)

    def client(self):
        return Client(self.port)

    def found(self, wanted):
        rig.poll_until(lambda: wanted <= set(self.receiver.got)
                       or time.monotonic() - max(self.receiver.last, self.began) > 10, 120, "forwarding")
        return list(self.receiver.got)

    @property
    def began(self):
        if not hasattr(self, "first_look"):
            self.first_look = time.monotonic()
        return self.first_look

    def kill(self):
        if self.server:
            self.server.kill()

    def stop_all(self):
        self.kill()
        if self.receiver:
            self.receiver.listener.close()
