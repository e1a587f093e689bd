# SPDX-License-Identifier: Apache-2.0
"""The files of the tree, as the tidy checks see them."""

import os
import subprocess

SKIPPED = {".git", "build", "deps", "out", "node_modules"}


def files(root):
    """Paths relative to root: what git knows, or all files where there is no repository."""
    if os.path.exists(os.path.join(root, ".git")):
        listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"],
                                check=True, capture_output=True, text=True).stdout
        names = [name for name in listed.split("\0") if name]
        return sorted(n for n in names if os.path.isfile(os.path.join(root, n)))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED and not f.startswith("build-")]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def read(root, name):
    """The text of a file, or None for one that is not text."""
    with open(os.path.join(root, name), "rb") as file:
        content = file.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def report(problems, what):
    """Prints the problems; gives the exit code."""
    for problem in problems:
        print(problem)
    print(f"{what}: {'ok' if not problems else f'{len(problems)} problems'}")
    return 1 if problems else 0
