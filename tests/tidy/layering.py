#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of every room and fails on any edge that the house table
(docs/architecture.md) does not have. Usage: layering.py ROOT"""

import os
import re
import sys

import tree

# Room -> the rooms that it may include, itself aside.
ROOMS = {
    "core": set(),
    "core/codec": {"core"},
    "sqlite": {"core"},
    "http": {"core"},
    "rpc": {"core", "core/codec"},
    "storage": {"core", "core/codec", "sqlite"},
    "sync/nats": {"core", "core/codec"},
    "sync": {"core", "core/codec", "rpc", "storage", "sync/nats"},
    "gateway": {"core", "core/codec", "rpc", "http", "storage"},
    "projection/pg": {"core"},
    "projection": {"core", "core/codec", "sqlite", "projection/pg"},
    "hub/outbound": {"core"},
    "hub": {"core", "core/codec", "rpc", "http", "projection", "sync/nats", "hub/outbound"},
    "cli": {"core", "core/codec", "sqlite", "http", "rpc", "storage", "sync", "sync/nats",
            "gateway", "projection", "hub"},
}

# In a room that has folders: folder -> the folders of this room that it may include, itself aside. What
# lies in the room itself may include all of them, and is included by none.
FOLDERS = {
    "projection": {
        "value": set(),
        "database": {"value"},
        "gate": set(),
        "model": {"value", "database", "gate"},
        "schema": {"value", "database", "model"},
        "engine": {"value", "database", "gate", "model", "schema"},
        "query": {"value", "database", "model", "schema", "engine"},
        "trial": {"value", "model", "engine", "query"},
        "reactor": {"database", "model", "engine"},
    },
    "hub": {
        "settings": set(),
        "deeds": set(),
        "routes": set(),
        "tail": set(),
        "lease": set(),
        "reactor": set(),
        "workers": {"lease"},
        "feed": {"lease", "reactor"},
        "fleet": {"feed"},
        "versions": {"settings", "feed"},
        "verify": {"deeds", "feed", "versions"},
        "metrics": {"routes", "workers", "fleet", "versions"},
        "api": {"deeds", "routes", "tail", "workers", "feed", "fleet", "versions", "verify",
                "metrics"},
    },
}

# Header of a library -> the rooms that may see it.
LIBRARIES = [
    (r"sqlite3(ext)?\.h", {"sqlite"}),
    (r"(nats/)?(nats|status|version)\.h", {"sync/nats"}),
    (r"msgpack(\.hpp|\.h|/.*)", {"core/codec", "rpc"}),
    (r"(postgresql/)?(libpq.*|pg_config)\.h", {"projection/pg"}),
    (r"boost/beast(\.hpp|/.*)", {"http"}),
    (r"boost/asio(\.hpp|/.*)", {"http", "rpc", "sync/nats", "sync", "gateway", "hub", "cli"}),
    (r"boost/json(\.hpp|/.*)", {"core", "core/codec"}),
    (r"sodium(\.h|/.*)", {"core", "sync/nats"}),
    (r"toml\+\+/.*", {"core", "projection"}),
    (r"CLI/.*", {"cli", "gateway", "sync", "hub"}),
    (r"systemd/.*", {"core", "gateway", "sync", "hub"}),
    (r"zstd\.h", {"storage", "sync"}),
    (r"openssl/.*", {"sync/nats"}),
    (r"curl/.*", {"hub/outbound"}),
]

# One header, for fewer than its room: only sluiced writes the log; everyone else reads it.
WRITERS = {"storage/event_log.hpp": {"storage", "gateway"}}

FREE = ("tests/", "bench/", "cmake/", "examples/")  # may see everything
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(name):
    """The room that a path lies in, or None."""
    folder = os.path.dirname(name)
    while folder:
        if folder in ROOMS:
            return folder
        folder = os.path.dirname(folder)
    return None


def folder_of(name, room):
    """The folder of a file inside its room; "" for what lies in the room itself."""
    return os.path.dirname(name)[len(room) + 1:]


def check_folder(name, room, header):
    """Gives what is wrong with one include line inside a room, or None."""
    mine, theirs = folder_of(name, room), folder_of(header, room)
    allowed = FOLDERS.get(room, {})
    for folder in (mine, theirs):
        if folder and folder not in allowed:
            return f"includes \"{header}\": {room}/{folder} is not in the table of {room}'s folders"
    if mine and theirs != mine and theirs not in allowed[mine]:
        return f"includes \"{header}\": {room}/{mine} may not use {room}/{theirs}"
    return None


def check_include(name, room, kind, header):
    """Gives what is wrong with one include line, or None."""
    if kind == '"':
        target = room_of(header)
        if target is None:
            return f"includes \"{header}\": quoted includes start at a room of this tree"
        if target != room and target not in ROOMS[room]:
            return f"includes \"{header}\": {room} may not use {target}"
        if target == room and check_folder(name, room, header):
            return check_folder(name, room, header)
        if header in WRITERS and room not in WRITERS[header]:
            return f"includes \"{header}\": only {', '.join(sorted(WRITERS[header]))} may"
        return None
    for pattern, rooms in LIBRARIES:
        if re.fullmatch(pattern, header) and room not in rooms:
            allowed = ", ".join(sorted(rooms)) or "no room yet"
            return f"includes <{header}>: only {allowed} may see it"
    if room_of(header) is not None:
        return f"includes <{header}>: our own headers are included with quotes"
    return None


def check(root):
    problems = []
    for name in tree.files(root):
        if not name.endswith((".cpp", ".hpp", ".h", ".c", ".cc")) or name.startswith(FREE):
            continue
        room = room_of(name)
        if room is None:
            problems.append(f"{name}: lies in no room of the house table")
            continue
        for kind, header in INCLUDE.findall(tree.read(root, name) or ""):
            problem = check_include(name, room, kind, header)
            if problem:
                problems.append(f"{name}: {problem}")
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1]), "layering"))
