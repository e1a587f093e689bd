#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Executes docs/tutorial.md as it is written, in an empty folder.

Every ```sh block runs, in order, in one shell; a ```text block behind it is what it prints. In
that, "..." stands for anything within a line, and a line "..." for any number of lines. A block
after the comment <!-- again --> is one that a person would repeat until it shows that, and so does
this, for at most a minute. Everything runs in a network and process namespace of its own: ports are
free, and nothing is left.

Usage: run_tutorial.py TUTORIAL BIN_FOLDER
"""
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

BLOCK = re.compile(r"^(?P<again><!-- again -->\n)?```(?P<kind>sh|text)\n(?P<body>.*?)^```$", re.M | re.S)
AGAIN_S = 60
BLOCK_S = 120


class Step:
    def __init__(self, body, line, again):
        self.body, self.line, self.again, self.expected = body, line, again, None


def steps_of(text):
    steps = []
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["kind"] == "sh":
            steps.append(Step(match["body"], line, bool(match["again"])))
        elif not steps or steps[-1].expected is not None:
            sys.exit(f"line {line}: a ```text block without a ```sh block before it")
        else:
            steps[-1].expected = match["body"]
    return steps


def pattern_of(expected):
    out = []
    for line in expected.rstrip("\n").split("\n"):
        if line == "...":
            out.append(r"(?:[^\n]*\n)*?")
        else:
            out.append("[^\\n]*".join(re.escape(part) for part in line.split("...")) + r"[ ]*\n")
    return re.compile("".join(out))


def as_seen(text):
    """What stays on the screen: a progress bar draws over itself."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return "\n".join(line.rsplit("\r", 1)[-1] for line in plain.split("\n"))


class Shell:
    def __init__(self, folder, programs):
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "HOME": folder,
            "LANG": "C.UTF-8",
        }
        # In the namespaces loopback is down at first.
        start = "ip link set lo up && exec bash --norc --noprofile"
        # A terminal, so that the programs print what a person sees.
        self.screen, terminal = pty.openpty()
        self.process = subprocess.Popen(
            ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", start],
            cwd=folder, env=environment, bufsize=0, stdin=subprocess.PIPE, stdout=terminal,
            stderr=terminal)
        os.close(terminal)
        self.count, self.folder = 0, folder

    def run(self, body):
        """What the block printed, and the code of its last command."""
        self.count += 1
        mark = f"@@@ {self.count} "
        self.process.stdin.write(f"{body}\nprintf '\\n{mark}%d\\n' $?\n".encode())
        out, deadline = "", time.monotonic() + BLOCK_S
        while mark not in out or not out.endswith("\n"):
            if time.monotonic() > deadline:
                return out, -1
            if self.process.poll() is not None:
                return out, -2
            if select.select([self.screen], [], [], 1)[0]:
                out += os.read(self.screen, 65536).decode(errors="replace").replace("\r\n", "\n")
        text, code = out.rsplit("\n" + mark, 1)
        return as_seen(text), int(code.split()[0])

    def end(self):
        self.process.kill()
        self.process.wait()


def run_step(shell, step):
    deadline = time.monotonic() + (AGAIN_S if step.again else 0)
    while True:
        out, code = shell.run(step.body)
        printed = out if out.endswith("\n") or not out else out + "\n"
        if code >= 0 and (step.expected is None and code == 0 or
                          step.expected is not None and pattern_of(step.expected).fullmatch(printed)):
            return
        if time.monotonic() >= deadline:
            wanted = "" if step.expected is None else f"\n--- the page says\n{step.expected}"
            logs = "".join(f"--- {log}\n{log.read_text()[-2000:]}" for log in
                           sorted(pathlib.Path(shell.folder).rglob("*.log")))
            sys.exit(f"{logs}\nline {step.line}: exit code {code}\n--- command\n{step.body}"
                     f"--- printed\n{printed}{wanted}")
        select.select([], [], [], 0.2)  # a person would not be quicker


def main():
    tutorial, programs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    steps = steps_of(tutorial.read_text())
    if not steps:
        sys.exit("the tutorial has no step")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shell = Shell(folder, programs)
        try:
            for step in steps:
                run_step(shell, step)
        finally:
            shell.end()
    print(f"{len(steps)} steps did what the page says")


if __name__ == "__main__":
    main()
