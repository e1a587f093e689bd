#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that docs/fault-matrix.md is no promise: every test that it names exists and, with --ran,
was run and passed.

Usage: fault_matrix.py ROOT                  each named test is in the sources
       fault_matrix.py ROOT --ran FOLDER     each ran and passed, by the reports in FOLDER; those
                                             whose program said that this machine lacks what it
                                             needs (root, loop devices) are listed, loudly, and
                                             with SLUICE_LAB_MUST_RUN=1 are problems as well

In the page's tables a test is `Suite.Name` (GoogleTest) or `ctest:name` (a whole ctest test), in the
last column. FOLDER holds GoogleTest's XML files (GTEST_OUTPUT=xml:FOLDER/) and ctest.xml
(ctest --output-junit). A row that names no test must say in its place who is left to prove it."""

import os
import re
import sys
import xml.etree.ElementTree as xml

import tree

PAGE = "docs/fault-matrix.md"
GTEST = re.compile(r"^TEST(?:_F|_P)?\(\s*([A-Za-z0-9_]+),\s*([A-Za-z0-9_]+)", re.MULTILINE)
CTEST = re.compile(r"NAME\s+([A-Za-z0-9_-]+)")
NAMED = re.compile(r"`(?:ctest:([A-Za-z0-9_-]+)|([A-Za-z0-9_]+\.[A-Za-z0-9_]+))`")
LEFT = "left to"  # begins the words of a row that is another's to prove


def rows(text):
    """(number, first cell, last cell) of every row of every table whose first column is a number."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 4 and cells[0].isdigit():
            yield cells[0], cells[1], cells[-1]


def named(text):
    """(row, test) for each test that a row names; and the rows that name none and excuse nothing."""
    tests, empty = [], []
    for number, fault, proof in rows(text):
        found = [("ctest:" + whole) if whole else one for whole, one in NAMED.findall(proof)]
        tests += [(number, test) for test in found]
        if not found and LEFT not in proof:
            empty.append(f"row {number} ({fault}) names no test")
    return tests, empty


def tests_in_sources(root):
    """Test -> the name of its source without ending, which is that of its program."""
    known = {}
    for name in tree.files(root):
        stem = os.path.basename(name).removesuffix(".cpp")
        if name.endswith("_test.cpp"):
            for match in GTEST.findall(tree.read(root, name) or ""):
                known[".".join(match)] = stem
        elif os.path.basename(name) == "CMakeLists.txt":
            for match in CTEST.findall(tree.read(root, name) or ""):
                known["ctest:" + match] = match
    return known


def cannot_run_here(folder):
    """The programs that ctest ran and that ended with the code for "this machine lacks ..."."""
    report = os.path.join(folder, "ctest.xml")
    if not os.path.exists(report):
        return set()
    return {case.get("name") for case in xml.parse(report).getroot().iter("testcase")
            if case.find("skipped") is not None}


def results_in(folder):
    """Test -> (ran, passed), from every report in the folder; one failure is a failure."""
    results = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".xml"):
            continue
        for case in xml.parse(os.path.join(folder, name)).getroot().iter("testcase"):
            if name == "ctest.xml":
                test, ran = "ctest:" + case.get("name"), case.get("status") in ("run", "fail")
            else:
                # Of a TEST_P it is Instance/Suite and Name/0, /1 ...: all of them count.
                test = case.get("classname").split("/")[-1] + "." + case.get("name").split("/")[0]
                ran = case.get("status", "run") == "run"
            passed = case.find("failure") is None and case.get("status") != "fail"
            before = results.get(test, (False, True))
            results[test] = (before[0] or ran, before[1] and passed)
    return results


def check(root, folder=None, excused=None):
    """Problems, one per line. With `excused` (a list), what cannot run here goes there instead."""
    text = tree.read(root, PAGE)
    if text is None:
        return [f"{PAGE}: is missing"]
    tests, problems = named(text)
    problems = [f"{PAGE}: {problem}" for problem in problems]
    if not tests:
        problems.append(f"{PAGE}: names no test at all")
    known = tests_in_sources(root)
    results = results_in(folder) if folder else {}
    lacking = cannot_run_here(folder) if folder and excused is not None else set()
    for number, test in tests:
        if test not in known:
            problems.append(f"{PAGE}: row {number} names {test}, which is in no source")
        elif folder:
            ran, passed = results.get(test, (False, True))
            if not ran and known[test] in lacking:
                excused.append(f"row {number}: {test}")
            elif not ran:
                problems.append(f"{PAGE}: row {number}: {test} did not run")
            elif not passed:
                problems.append(f"{PAGE}: row {number}: {test} failed")
    return problems


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[2] == "--ran":
        left = None if os.environ.get("SLUICE_LAB_MUST_RUN") else []
        found = check(sys.argv[1], sys.argv[3], left)
        for test in left or []:
            print(f"!!! NOT PROVED ON THIS MACHINE (no root or no loop devices): {test}")
        sys.exit(tree.report(found, "fault matrix, as it ran"))
    sys.exit(tree.report(check(sys.argv[1]), "fault matrix"))
