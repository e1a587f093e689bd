#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules about the tree that no compiler checks. Usage: tidy.py ROOT"""

import os
import re
import sys

import tree

LINES_MAX = 500
COLUMNS_MAX = 100
BYTES_MAX = 1 << 20
CODE = (".cpp", ".hpp", ".h", ".c")
SCRIPTS = (".sh", ".py", ".mjs", ".js", ".cmake")
MARKED = CODE + SCRIPTS + (".html", ".css", ".service", ".toml", ".sql")  # carry an SPDX line

# Written in pieces or classes, so that this file does not hold what it forbids.
PROMISES = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|\bnot[ ]implemented\b|\bun[i]mplemented\b")
HOSTS = re.compile(r"deb[.]debian[.]|registry[.]npm|proxy[.]golang|pypi[.]org|index[.]crates")
MACHINE = re.compile(r"/wor[k]/|/far[m]/|/roo[t]/|/tmp/coor[d]|/home/[a-z]")
SKIPS = re.compile(r"GTEST_SKI[P]|DISABLE[D]_")
SLEEPS = re.compile(r"sleep_fo[r]|sleep_unti[l]|usleep\(|(?<![_\w])sleep\(|^\s*sleep [0-9]",
                    re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
VERB = re.compile(r'add_subcommand\(\s*"([a-z-]+)"')


def is_code(name):
    return name.endswith(MARKED) or os.path.basename(name) == "CMakeLists.txt"


def lines_with(pattern, text):
    """Line numbers of the matches."""
    return [text.count("\n", 0, m.start()) + 1 for m in pattern.finditer(text)]


def check_text(name, text):
    """Rules for any text file."""
    for line in lines_with(HOSTS, text):
        yield f"{name}:{line}: names a package registry's host"
    for line in lines_with(MACHINE, text):
        yield f"{name}:{line}: names a path of one machine"
    if text and not text.endswith("\n"):
        yield f"{name}: does not end with a newline"


def check_code(name, text):
    """Rules for what is compiled or run."""
    lines = text.split("\n")
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        yield f"{name}: has no SPDX line in its first three lines"
    if len(lines) - 1 > LINES_MAX:
        yield f"{name}: has {len(lines) - 1} lines, more than {LINES_MAX}: split it by reason to change"
    for line in lines_with(PROMISES, text):
        yield f"{name}:{line}: a promise left in the code"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield f"{name}:{number}: holds a tab"
        if name.endswith(CODE) and len(line) > COLUMNS_MAX:
            yield f"{name}:{number}: has {len(line)} columns, more than {COLUMNS_MAX}"
    if name.endswith(".hpp") and "#pragma once" not in text:
        yield f"{name}: has no #pragma once"


def check_test(name, text):
    """Rules for tests: no skips, and no sleeping for luck outside the one polling helper."""
    for line in lines_with(SKIPS, text):
        yield f"{name}:{line}: a test that can skip"
    if not name.startswith("tests/support/"):
        for line in lines_with(SLEEPS, text):
            yield f"{name}:{line}: sleeps; poll for the condition with a deadline instead"


def check_links(root, name, text):
    """Relative links in the docs lead somewhere."""
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        if not os.path.exists(os.path.join(root, os.path.dirname(name), target)):
            yield f"{name}: links to {target}, which does not exist"


def check_built(names, texts):
    """Every .cpp is named in a CMakeLists.txt: a test outside the build is not a test."""
    lists = {n: texts[n] for n in names if os.path.basename(n) == "CMakeLists.txt"
             or n.endswith(".cmake")}
    words = set(re.split(r'[\s()"/]+', " ".join(lists.values())))
    for name in names:
        folder, base = os.path.split(name)
        if not name.endswith(".cpp") or base in words:
            continue
        # foreach(name a b) sluice_test(... ${name}_test.cpp ...)
        own = lists.get(os.path.join(folder, "CMakeLists.txt"), "")
        stem = base.removesuffix("_test.cpp")
        if "}_test.cpp" in own and re.search(rf"\b{re.escape(stem)}\b", own):
            continue
        yield f"{name}: is named in no CMakeLists.txt"


def check_verbs(names, texts):
    """Every verb of the command line stands in the README or the docs as `sluice <verb>`."""
    prose = "\n".join(texts[n] for n in names if n.endswith(".md"))
    for name in names:
        if not (name.startswith("cli/") and name.endswith(".cpp")):
            continue
        for verb in VERB.findall(texts[name]):
            if not re.search(rf"\b{re.escape(verb)}\b", " ".join(re.findall(r"sluice [^`\n]*", prose))):
                yield f"{name}: the verb '{verb}' stands in no document as `sluice {verb}`"


def check(root):
    names = tree.files(root)
    problems = []
    texts = {}
    for name in names:
        if os.path.getsize(os.path.join(root, name)) > BYTES_MAX:
            problems.append(f"{name}: is larger than 1 MiB")
            texts[name] = ""
            continue
        text = tree.read(root, name)
        texts[name] = text or ""
        if text is None:
            continue
        problems += check_text(name, text)
        if is_code(name):
            problems += check_code(name, text)
        if name.startswith("tests/"):
            problems += check_test(name, text)
        if name.endswith(".md"):
            problems += check_links(root, name, text)
    problems += check_built(names, texts)
    problems += check_verbs(names, texts)
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1]), "tidy"))
