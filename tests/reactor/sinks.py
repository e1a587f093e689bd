# SPDX-License-Identifier: Apache-2.0
"""An HTTP and an SMTP receiver for tests. Everything that they take is a line of JSON in FILE.

Usage: sinks.py FOLDER [--tls CERT KEY] [--login USER PASSWORD]

FOLDER/received.jsonl   what came, in order
FOLDER/http_port, FOLDER/smtp_port   written once both listen
FOLDER/answers.json     {"/path": [503, 503, {"status": 429, "retry_after": 1}, {"hang": 3}, 200]}: the answers of a path, the
                        last for ever; for mail the path is "mail" and the numbers are SMTP replies
                        to RCPT. {"close": true} takes the message and closes without an answer
"""

import base64
import email
import email.policy
import json
import os
import socket
import ssl
import sys
import threading
import time

folder = sys.argv[1]
tls = sys.argv[sys.argv.index("--tls") + 1:][:2] if "--tls" in sys.argv else None
login = sys.argv[sys.argv.index("--login") + 1:][:2] if "--login" in sys.argv else None
lock = threading.Lock()
asked = {}


def note(record):
    with lock, open(os.path.join(folder, "received.jsonl"), "a") as out:
        out.write(json.dumps(record) + "\n")


def answer_for(path):
    """The next answer of a path, as a dictionary."""
    try:
        with open(os.path.join(folder, "answers.json")) as file:
            answers = json.load(file).get(path, [])
    except (OSError, ValueError):
        answers = []
    with lock:
        count = asked[path] = asked.get(path, 0) + 1
    if not answers:
        return {}
    one = answers[min(count, len(answers)) - 1]
    return one if isinstance(one, dict) else {"status": one}


def serve_http(connection):
    with connection, connection.makefile("rb") as lines:
        while True:
            first = lines.readline().decode("latin-1").split()
            if len(first) != 3:
                return
            headers = {}
            raw = []
            for line in iter(lines.readline, b"\r\n"):
                if not line:
                    return
                raw.append(line.decode("utf-8").rstrip("\r\n"))
                name, _, value = raw[-1].partition(":")
                headers[name.strip().lower()] = value.strip()
            body = lines.read(int(headers.get("content-length", "0"))).decode("utf-8")
            answer = answer_for(first[1])
            note({"kind": "http", "path": first[1], "headers": headers, "raw": raw, "body": body,
                  "at": time.monotonic(), "status": answer.get("status", 200)})
            if "hang" in answer:
                threading.Event().wait(answer["hang"])
            if "close" in answer:
                return
            more = "".join(f"{name}: {value}\r\n" for name, value in
                           (("Retry-After", answer.get("retry_after")),) if value is not None)
            connection.sendall((f"HTTP/1.1 {answer.get('status', 200)} X\r\n{more}"
                                "Content-Length: 5\r\n\r\nnoted").encode())


class Mail:
    """One SMTP session."""

    def __init__(self, connection):
        self.connection = connection
        self.lines = connection.makefile("rb")
        self.secure = False
        self.user = None

    def say(self, text):
        self.connection.sendall((text + "\r\n").encode())

    def start_tls(self):
        self.say("220 go on")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.lines = self.connection.makefile("rb")
        self.secure = True

    def greet(self):
        offers = ["sink"]
        if tls and not self.secure:
            offers.append("STARTTLS")
        if login and (self.secure or not tls):
            offers.append("AUTH PLAIN")
        for offer in offers[:-1]:
            self.say("250-" + offer)
        self.say("250 " + offers[-1])

    def take(self, sender, recipients):
        self.say("354 go on")
        text = b""
        for line in iter(self.lines.readline, b".\r\n"):
            text += line[1:] if line.startswith(b".") else line
        message = email.message_from_bytes(text, policy=email.policy.default)
        note({"kind": "mail", "from": sender, "recipients": recipients, "user": self.user,
              "secure": self.secure, "headers": {k.lower(): str(v) for k, v in message.items()},
              "names": [k for k in message.keys()],
              "body": message.get_content().replace("\r\n", "\n"), "status": 250, "at": time.monotonic()})
        self.say("250 noted")

    def serve(self):
        self.say("220 sink")
        sender, recipients = None, []
        while True:  # self.lines is another one after STARTTLS
            raw = self.lines.readline()
            if not raw:
                return
            line = raw.decode("utf-8").rstrip("\r\n")
            word = line.split(" ")[0].upper()
            if word in ("EHLO", "HELO"):
                self.greet()
            elif word == "STARTTLS":
                self.start_tls()
            elif word == "AUTH":
                words = line.split(" ")
                given = words[2] if len(words) > 2 else None
                if given is None:
                    self.say("334 ")
                    given = self.lines.readline().decode().strip()
                _, user, password = base64.b64decode(given).decode().split("\0")
                good = [user, password] == login
                self.user = user if good else None
                self.say("235 welcome" if good else "535 no")
            elif word == "MAIL":
                sender, recipients = line[10:].split()[0], []
                self.say("250 fine")
            elif word == "RCPT":
                status = answer_for("mail").get("status", 250)
                if status == 250:
                    recipients.append(line[8:])
                else:
                    note({"kind": "refused mail", "to": line[8:], "status": status,
                          "at": time.monotonic()})
                self.say(f"{status} so it is")
            elif word == "DATA":
                self.take(sender, recipients)
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")


def serve_mail(connection):
    with connection:
        Mail(connection).serve()


def listen(name, serve):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def guarded(connection):
        try:
            serve(connection)
        except (OSError, ValueError) as problem:
            print(name, problem, file=sys.stderr)

    def run():
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return port


ports = {"http_port": listen("http", serve_http), "smtp_port": listen("smtp", serve_mail)}
for name, port in ports.items():
    with open(os.path.join(folder, name + ".new"), "w") as file:
        file.write(str(port))
    os.rename(os.path.join(folder, name + ".new"), os.path.join(folder, name))
threading.Event().wait()
