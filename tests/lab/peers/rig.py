# SPDX-License-Identifier: Apache-2.0
"""The rig that every peer gets: a disk whose power can be cut, processes, a paced load, a comparison."""

import fcntl
import os
import random
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2


class Disk:
    """ext4 on a loop device. cut() is the filesystem's shutdown without a flush of its journal:
    what was not synced is gone, as with a power cut under a drive that keeps what it synced."""

    def __init__(self, folder):
        self.image = os.path.join(folder, "disk")
        self.path = os.path.join(folder, "m")
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(2 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "nodiscard", self.image], check=True)
        self.mount()

    def mount(self):
        device = subprocess.run(["losetup", "--find", "--show", self.image], check=True,
                                capture_output=True, text=True).stdout.strip()
        subprocess.run(["mount", "-t", "ext4", "-o", "errors=remount-ro", device, self.path], check=True)
        subprocess.run(["losetup", "--detach", device], check=True)  # when it is unmounted

    def cut(self):
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(folder)

    def unmount(self):
        poll_until(lambda: subprocess.run(["umount", self.path], capture_output=True).returncode == 0,
                   20, "umount")

    def mount_again(self):
        self.unmount()
        self.mount()


def poll_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        select.select([], [], [], 0.02)


def free_port():
    # Not the kernel's choice: outgoing connections take their ports from the same range, and one of
    # them may have it by the time that a server is started, or started again.
    while True:
        port = random.randrange(20000, 32768)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """A process that writes its words to a file outside the disk under test."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def ready(self, condition, seconds=15):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"it ended with {self.process.returncode}: {self.last_words()}")
            return condition()
        poll_until(answers, seconds, "start")

    def last_words(self):
        with open(self.log, "rb") as file:
            return file.read()[-400:].decode(errors="replace")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def tcp_answers(port):
    def condition():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False
    return condition


class Wire:
    """A byte stream to a server. A client derives from it: publish(n, payload) sends message n,
    take(bytes) gives the numbers that were acknowledged in what came in."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(10)
        self.socket.connect(address)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def wait(self, seconds):
        """True: something more came in."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return False
        got = self.socket.recv(1 << 16)
        if not got:
            raise ConnectionError("closed by the server")
        self.buffer += got
        return True

    def close(self):
        self.socket.close()


def payload(n):
    return b"%010d" % n + b"x" * 190


def number_of(data):
    return int(bytes(data[:10]))


def load(client, first, rate, seconds=None, count=None, window=32):
    """Sends messages first, first+1 ... at a steady rate, at most `window` without an answer, for
    some seconds or until `count` are acknowledged. Gives the acknowledged numbers in the order of
    their answers, and the next number."""
    acked, sent, began = [], 0, time.monotonic()
    while True:
        now = time.monotonic() - began
        if seconds is not None and now >= seconds:
            return acked, first + sent
        if count is not None and len(acked) >= count:
            return acked, first + sent
        if count is not None and now > 30 + count / rate:
            raise TimeoutError(f"{len(acked)} of {count} messages acknowledged")
        wanted = sent < (count if count is not None else 1 << 60)
        if wanted and sent <= now * rate and sent - len(acked) < window:
            client.publish(first + sent, payload(first + sent))
            sent += 1
            continue
        due = (sent / rate) - now if wanted and sent - len(acked) < window else 0.1
        if client.wait(min(due, 0.1)):
            acked += client.take()


def compare(acked, found):
    """What became of the acknowledged numbers, given what the store has, in its order."""
    seen, doubled, disorder, highest = set(), 0, 0, -1
    for n in found:
        if n in seen:
            doubled += 1
            continue
        seen.add(n)
        disorder += n < highest
        highest = max(highest, n)
    lost = [n for n in acked if n not in seen]
    return {"acked": len(acked), "lost": len(lost), "doubled": doubled, "out_of_order": disorder}


def scratch():
    return tempfile.TemporaryDirectory(prefix="peers-")
