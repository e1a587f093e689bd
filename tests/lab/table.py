#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the fault lab's table from the rows that its programs reported, one JSON object a line.

Usage: table.py REPORT [--rows FILE] [--only PREFIX]... [--title TEXT]

  --rows FILE    the rows that must be there
  --only PREFIX  of these, only those that begin so (several: any of them)

Rows of one fault are added up. Exit code 1: an acknowledged event was lost, took effect twice or out
of order, a run did not go on without an operator, or a row is missing; each is said below the table.
"""

import argparse
import json
import sys

COUNTS = ("runs", "acked", "lost", "doubled", "out_of_order")


def read_report(path):
    """Fault -> its summed row, in the order of their first report."""
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            report = json.loads(line)
            row = rows.setdefault(report["fault"], {count: 0 for count in COUNTS} | {"reopened": True})
            for count in COUNTS:
                row[count] += report[count]
            row["reopened"] = row["reopened"] and report["reopened"]
    return rows


def read_wanted(path, prefixes):
    with open(path, encoding="utf-8") as lines:
        names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [name for name in names if not prefixes or name.startswith(tuple(prefixes))]


def verdict(rows, wanted):
    """What is wrong, in words, one line each."""
    for fault, row in rows.items():
        if "NOT RUN" in fault:
            yield f"{fault}"
            continue
        if row["lost"]:
            yield f"{fault}: {row['lost']} acknowledged events were lost"
        if row["doubled"]:
            yield f"{fault}: {row['doubled']} events took effect more than once"
        if row["out_of_order"]:
            yield f"{fault}: {row['out_of_order']} events took effect out of order"
        if not row["reopened"]:
            yield f"{fault}: a run did not go on by itself"
        if not row["acked"]:
            yield f"{fault}: nothing was acknowledged, so nothing was shown"
    for fault in wanted:
        if fault not in rows:
            yield f"{fault}: the row is missing"


def table(rows, wanted):
    order = [fault for fault in wanted if fault in rows]
    order += [fault for fault in rows if fault not in order]
    lines = [("fault", "runs", "acked", "lost", "doubled", "out of order", "opened again")]
    for fault in order:
        row = rows[fault]
        lines.append((fault, *(f"{row[count]:,}" for count in COUNTS),
                      "yes" if row["reopened"] else "NO"))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        yield "| " + " | ".join(cells) + " |"
        if number == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("report")
    options.add_argument("--rows")
    options.add_argument("--only", action="append", default=[])
    options.add_argument("--title", default="")
    given = options.parse_args()
    rows = read_report(given.report)
    wanted = read_wanted(given.rows, given.only) if given.rows else []
    if given.title:
        print(given.title + "\n")
    print("\n".join(table(rows, wanted)))
    problems = list(verdict(rows, wanted))
    if problems:
        print("\n" + "\n".join("!!! " + problem for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
