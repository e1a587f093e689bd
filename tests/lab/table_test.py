#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's table finds what it is there to find: losses, and rows that are missing."""

import json
import os
import sys
import tempfile
import unittest

import table

GOOD = {"fault": "hub: killed", "runs": 3, "acked": 500, "lost": 0, "doubled": 0,
        "out_of_order": 0, "reopened": True}


def problems(*reports, wanted=("hub: killed",)):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(report) + "\n" for report in reports)
        rows = table.read_report(path)
    return "\n".join(table.verdict(rows, list(wanted))), "\n".join(table.table(rows, list(wanted)))


class Table(unittest.TestCase):
    def test_a_clean_run_has_no_problem(self):
        words, text = problems(GOOD)
        self.assertEqual("", words)
        self.assertIn("hub: killed", text)

    def test_rows_of_one_fault_are_added_up(self):
        words, text = problems(GOOD, GOOD)
        self.assertEqual("", words)
        self.assertIn("1,000", text)

    def test_each_kind_of_damage_is_told(self):
        for key, word in (("lost", "were lost"), ("doubled", "more than once"),
                          ("out_of_order", "out of order")):
            with self.subTest(key):
                self.assertIn(word, problems(GOOD, {**GOOD, key: 1})[0])
        words, text = problems({**GOOD, "reopened": False})
        self.assertIn("did not go on", words)
        self.assertIn("NO", text)

    def test_a_row_that_is_missing_empty_or_did_not_run_is_told(self):
        self.assertIn("link: cut: the row is missing",
                      problems(GOOD, wanted=("hub: killed", "link: cut"))[0])
        self.assertIn("nothing was acknowledged", problems({**GOOD, "acked": 0})[0])
        self.assertIn("NOT RUN", problems(GOOD, {**GOOD, "fault": "disk NOT RUN: needs root"})[0])


if __name__ == "__main__":
    sys.exit(unittest.main())
