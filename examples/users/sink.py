# SPDX-License-Identifier: Apache-2.0
"""Takes webhooks and mails on loopback and writes each as a line: sink.py FOLDER.

FOLDER/http_port and FOLDER/smtp_port name its ports; FOLDER/webhooks and FOLDER/mails hold what
came, each line beginning with the idempotency key. One file of the standard library, for this
example only: it checks nothing and accepts everything.
"""

import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import email
import email.policy
import threading

FOLDER = sys.argv[1]


def note(name, *fields):
    with open(os.path.join(FOLDER, name), "a", encoding="utf-8") as out:
        out.write("\t".join(fields) + "\n")


class Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
        note("webhooks", self.headers["Idempotency-Key"], body)
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink")
        for line in self.rfile:
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.say("354 go on")
                text = b""
                for part in iter(self.rfile.readline, b".\r\n"):
                    text += part[1:] if part.startswith(b".") else part
                mail = email.message_from_bytes(text, policy=email.policy.default)
                note("mails", mail["Idempotency-Key"], mail["To"], mail["Subject"])
            self.say("221 bye" if word == b"QUIT" else "250 fine")
            if word == b"QUIT":
                return


class Mails(socketserver.ThreadingTCPServer):
    daemon_threads = True


servers = {"http_port": ThreadingHTTPServer(("127.0.0.1", 0), Hook),
           "smtp_port": Mails(("127.0.0.1", 0), Mail)}
for name, server in servers.items():
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(os.path.join(FOLDER, name + ".new"), "w", encoding="utf-8") as out:
        out.write(str(server.server_address[1]))
    os.rename(os.path.join(FOLDER, name + ".new"), os.path.join(FOLDER, name))
threading.Event().wait()
