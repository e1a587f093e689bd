# SPDX-License-Identifier: Apache-2.0
"""nats-server: alone, and as a leaf from whose stream a hub sources."""

import base64
import json
import os
import socket
import subprocess
import time

import rig

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configs")


def version(binary):
    return subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.split()[-1].lstrip("v")


class Client(rig.Wire):
    """The NATS protocol, as far as a publisher with PubAcks needs it."""

    def __init__(self, port):
        super().__init__(socket.AF_INET, ("127.0.0.1", port))
        self.inbox = "_INBOX.load"
        self.send(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                  + f"SUB {self.inbox}.* 1\r\nPING\r\n".encode())
        self.answers = []
        while b"PONG\r\n" not in self.buffer:
            self.wait(5)
        self.buffer = self.buffer.split(b"PONG\r\n", 1)[1]

    def publish(self, n, data):
        self.send(b"PUB load.x %s.%d %d\r\n%s\r\n" % (self.inbox.encode(), n, len(data), data))

    def messages(self):
        """(last token of the subject, payload or None if nobody answers) of what came in."""
        out = []
        while b"\r\n" in self.buffer:
            line, rest = self.buffer.split(b"\r\n", 1)
            words = line.split()
            if words and words[0] in (b"MSG", b"HMSG"):
                size = int(words[-1])
                if len(rest) < size + 2:
                    break
                body = rest[:size]
                if words[0] == b"HMSG":
                    body = body[int(words[-2]):] or None
                out.append((words[1].rsplit(b".", 1)[1].decode(), body))
                self.buffer = rest[size + 2:]
                continue
            if words and words[0] == b"PING":
                self.send(b"PONG\r\n")
            self.buffer = rest
        return out

    def take(self):
        return [int(token) for token, body in self.messages()
                if body and b'"error"' not in body and b'"seq"' in body]

    def request(self, subject, body):
        """The JSON answer, {} if nobody answers."""
        self.send(f"PUB {subject} {self.inbox}.r {len(body)}\r\n{body}\r\n".encode())
        for _ in range(200):
            for token, answer in self.messages():
                if token == "r":
                    return json.loads(answer) if answer else {}
            self.wait(0.1)
        raise TimeoutError(subject)


def create_stream(client, name, more, prefix="$JS.API"):
    wish = {"name": name, "storage": "file", "retention": "limits", "discard": "old",
            "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0}
    answer = client.request(f"{prefix}.STREAM.CREATE.{name}", json.dumps({**wish, **more}))
    error = answer.get("error")
    # 10058: it is there, with another configuration (a version's defaults): that will do.
    return bool(answer) and (error is None or error.get("err_code") == 10058)


def read_stream(client, name):
    info = client.request(f"$JS.API.STREAM.INFO.{name}", "")
    if "state" not in info:
        return []
    found = []
    for seq in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
        answer = client.request(f"$JS.API.STREAM.MSG.GET.{name}", json.dumps({"seq": seq}))
        if "message" in answer:
            found.append(base64.b64decode(answer["message"].get("data", "")))
    return found


def wait_for_all(count, wanted, quiet_seconds=10):
    """Until count() reaches `wanted`, or has not changed for a while."""
    state = {"count": -1, "since": time.monotonic()}

    def settled():
        now = count()
        if now != state["count"]:
            state.update(count=now, since=time.monotonic())
        return now >= wanted or time.monotonic() - state["since"] > quiet_seconds
    rig.poll_until(settled, 300, "what is at the hub")


class Nats:
    """A server alone: the messages are counted in its own stream."""

    def __init__(self, binary, config, disk, scratch):
        self.binary, self.disk, self.scratch = binary, disk, scratch
        self.port = rig.free_port()
        with open(os.path.join(CONFIGS, config)) as file:
            text = file.read()
        self.config = os.path.join(scratch, "server.conf")
        with open(self.config, "w") as file:
            file.write(self.fill(text))
        self.server = None

    def fill(self, text):
        return text.replace("@PORT@", str(self.port)).replace("@STORE@", self.disk.path + "/js")

    def start(self):
        self.server = rig.Server([self.binary, "-c", self.config], os.path.join(self.scratch, "log"))
        self.server.ready(rig.tcp_answers(self.port))
        client = Client(self.port)
        # As an application does at its start: make the stream, if it is not there.
        rig.poll_until(lambda: create_stream(client, "LOAD", {"subjects": ["load.>"]}), 15, "stream")
        client.close()

    def kill(self):
        if self.server:
            self.server.kill()

    def client(self):
        return Client(self.port)

    stop_all = kill

    def before_load(self):
        pass

    def after_cut(self):
        pass

    def found(self, wanted):
        client = Client(self.port)
        numbers = [rig.number_of(data) for data in read_stream(client, "LOAD")]
        client.close()
        return numbers


class Leaf(Nats):
    """The server under the cut is a leaf; a hub on another disk sources its stream, and the messages
    are counted there. link: whether the hub can be reached while the load runs."""

    def __init__(self, binary, config, disk, scratch, link):
        self.link = link
        self.hub_port, self.leaf_port = rig.free_port(), rig.free_port()
        super().__init__(binary, config, disk, scratch)
        with open(os.path.join(CONFIGS, "nats-hub.conf")) as file:
            text = file.read()
        self.hub_config = os.path.join(scratch, "hub.conf")
        with open(self.hub_config, "w") as file:
            file.write(text.replace("@PORT@", str(self.hub_port)).replace("@LEAF@", str(self.leaf_port))
                       .replace("@STORE@", os.path.join(scratch, "hub")))
        self.hub = None

    def fill(self, text):
        with open(os.path.join(CONFIGS, "nats-leaf-part.conf")) as file:
            part = file.read().replace("@LEAF@", str(self.leaf_port))
        # The domain belongs inside the jetstream block.
        return super().fill(text).replace("jetstream {", "jetstream {\n  domain: edge") + part

    def start_hub(self):
        self.hub = rig.Server([self.binary, "-c", self.hub_config], os.path.join(self.scratch, "hub.log"))
        self.hub.ready(rig.tcp_answers(self.hub_port))
        client = Client(self.hub_port)
        # The leaf dials once a second; a stream made before it is there would wait for its retry.
        rig.poll_until(lambda: client.request("$JS.edge.API.INFO", "").get("type"), 30, "the leaf")
        source = {"name": "LOAD", "external": {"api": "$JS.edge.API", "deliver": ""}}
        rig.poll_until(lambda: create_stream(client, "ALL", {"sources": [source]}), 15, "hub stream")
        client.close()

    def before_load(self):
        self.start_hub()
        client = self.client()
        acked, _ = rig.load(client, 0, 50, count=1)  # message 0: the sourcing runs
        client.close()
        rig.poll_until(lambda: acked and self.hub_count() > 0, 90, "the first sourced message")
        if not self.link:
            self.hub.process.terminate()
            self.hub.process.wait()

    def after_cut(self):
        if not self.link:
            self.start_hub()

    def hub_numbers(self):
        client = Client(self.hub_port)
        numbers = [rig.number_of(data) for data in read_stream(client, "ALL")]
        client.close()
        return [n for n in numbers if n > 0]  # message 0 is not part of the load

    def hub_count(self):
        client = Client(self.hub_port)
        info = client.request("$JS.API.STREAM.INFO.ALL", "")
        client.close()
        return info.get("state", {}).get("messages", 0)

    def stop_all(self):
        self.kill()
        if self.hub:
            self.hub.kill()

    def found(self, wanted):
        """Waits until all that is wanted is at the hub, or nothing more has come for a minute: a hub
        that could not reach its source was seen to try again after 40 s."""
        wait_for_all(self.hub_count, len(wanted) + 1, quiet_seconds=60)
        return self.hub_numbers()
