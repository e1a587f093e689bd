#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks catch what they are there to catch: each rule is shown a tree that breaks it."""

import os
import sys
import tempfile
import unittest

import fault_matrix
import layering
import tidy

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class Tree:
    """A small tree of files in a scratch folder."""

    def __init__(self, files):
        self.scratch = tempfile.TemporaryDirectory()
        for name, text in files.items():
            path = os.path.join(self.scratch.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def problems(self, check):
        with self.scratch as root:
            return "\n".join(check.check(root))


class Layering(unittest.TestCase):
    def edge(self, name, include):
        return Tree({name: SPDX + f"#include {include}\n"}).problems(layering)

    def test_an_edge_of_the_table_passes(self):
        self.assertEqual(self.edge("storage/a.cpp", '"sqlite/database.hpp"'), "")
        self.assertEqual(self.edge("sqlite/a.cpp", "<sqlite3.h>"), "")
        self.assertEqual(self.edge("core/codec/a.cpp", '"core/ids.hpp"'), "")

    def test_an_edge_outside_the_table_is_caught(self):
        self.assertIn("storage may not use gateway", self.edge("storage/a.cpp", '"gateway/x.hpp"'))
        self.assertIn("gateway may not use sync", self.edge("gateway/a.hpp", '"sync/x.hpp"'))
        self.assertIn("core may not use core/codec", self.edge("core/a.cpp", '"core/codec/x.hpp"'))
        spaced = Tree({"hub/a.cpp": SPDX + '  #  include "storage/x.hpp"\n'})
        self.assertIn("hub may not use storage", spaced.problems(layering))

    def test_a_folder_inside_a_room_belongs_to_it(self):
        self.assertIn("storage may not use sync", self.edge("storage/detail/a.cpp", '"sync/x.hpp"'))

    def test_an_edge_between_folders_of_a_room_is_caught(self):
        self.assertEqual(self.edge("hub/api/a.cpp", '"hub/feed/x.hpp"'), "")
        self.assertEqual(self.edge("hub/a.cpp", '"hub/api/x.hpp"'), "")
        self.assertIn("hub/feed may not use hub/api", self.edge("hub/feed/a.cpp", '"hub/api/x.hpp"'))
        self.assertIn("hub/feed may not use hub/", self.edge("hub/feed/a.cpp", '"hub/hub.hpp"'))
        self.assertIn("is not in the table", self.edge("hub/new/a.cpp", '"hub/feed/x.hpp"'))

    def test_a_library_outside_its_room_is_caught(self):
        self.assertIn("only sqlite may see it", self.edge("storage/a.cpp", "<sqlite3.h>"))
        self.assertIn("only sync/nats may see it", self.edge("sync/a.cpp", "<nats/nats.h>"))
        self.assertIn("only projection/pg may see it", self.edge("projection/a.cpp", "<libpq-fe.h>"))
        self.assertIn("boost/asio", self.edge("storage/a.cpp", "<boost/asio/post.hpp>"))

    def test_only_the_writer_sees_the_writing_side_of_the_log(self):
        self.assertIn("only gateway, storage may", self.edge("cli/a.cpp", '"storage/event_log.hpp"'))

    def test_a_file_in_no_room_and_a_relative_include_are_caught(self):
        self.assertIn("lies in no room", self.edge("misc/a.cpp", "<vector>"))
        self.assertIn("start at a room", self.edge("core/a.cpp", '"ids.hpp"'))


class Tidy(unittest.TestCase):
    LIST = {"core/CMakeLists.txt": "# SPDX-License-Identifier: Apache-2.0\na.cpp\n"}

    def file(self, name, text):
        return Tree({**self.LIST, name: text}).problems(tidy)

    def test_a_clean_file_passes(self):
        self.assertEqual(self.file("core/a.cpp", SPDX + "int a;\n"), "")

    def test_each_rule_catches_its_offence(self):
        offences = {
            "has no SPDX line": "int a;\n",
            "more than 500": SPDX + "int a;\n" * 500,
            "a promise left": SPDX + "// TO" "DO later\n",
            "holds a tab": SPDX + "\tint a;\n",
            "101 columns": SPDX + "// " + "x" * 98 + "\n",
            "registry's host": SPDX + "// deb." "debian.org\n",
            "path of one machine": SPDX + "// /roo" "t/x\n",
            "end with a newline": SPDX + "int a;",
        }
        for word, text in offences.items():
            with self.subTest(word):
                self.assertIn(word, self.file("core/a.cpp", text))

    def test_a_test_that_skips_or_sleeps_is_caught(self):
        self.assertIn("can skip", self.file("tests/a.cpp", SPDX + "GTEST_SKI" "P();\n"))
        self.assertIn("sleeps", self.file("tests/a.cpp", SPDX + "std::this_thread::sleep_fo" "r(x);\n"))
        self.assertIn("sleeps", self.file("tests/a.sh", "# SPDX-License-Identifier: Apache-2.0\nsleep" " 3\n"))

    def test_a_source_outside_the_build_is_caught(self):
        self.assertIn("named in no CMakeLists", self.file("core/b.cpp", SPDX))

    def test_a_test_of_a_foreach_is_in_the_build(self):
        loop = ("# SPDX-License-Identifier: Apache-2.0\nforeach(name log)\n"
                "  sluice_test(SOURCES ${name}_test.cpp)\nendforeach()\n")
        files = {"tests/core/CMakeLists.txt": loop, "tests/core/log_test.cpp": SPDX}
        self.assertEqual("", Tree(files).problems(tidy))
        files["tests/core/other_test.cpp"] = SPDX
        self.assertIn("other_test.cpp: is named in no", Tree(files).problems(tidy))

    def test_an_undocumented_verb_is_caught(self):
        verb = {**self.LIST, "cli/a.cpp": SPDX + 'app.add_subcommand("fly", "x");\n'}
        self.assertIn("the verb 'fly'", Tree(verb).problems(tidy))
        self.assertEqual("", Tree({**verb, "docs/cli.md": "`sluice fly`\n"}).problems(tidy))

    def test_a_dead_link_is_caught(self):
        self.assertIn("links to b.md", self.file("docs/a.md", "[b](b.md)\n"))


class FaultMatrix(unittest.TestCase):
    ROW = "| 1 | a fault | what happens | {} |\n"
    TEST = {"tests/core/a_test.cpp": "TEST(Log, Holds) {\n"}

    def page(self, proof, **more):
        return {"docs/fault-matrix.md": self.ROW.format(proof), **self.TEST, **more}

    def ran(self, report, proof="`Log.Holds`"):
        tree = Tree(self.page(proof, **{"out/a_test.xml": report}))
        with tree.scratch as root:
            return "\n".join(fault_matrix.check(root, os.path.join(root, "out")))

    def test_a_test_that_exists_passes_and_one_that_does_not_is_caught(self):
        self.assertEqual("", Tree(self.page("`Log.Holds`")).problems(fault_matrix))
        self.assertIn("Log.Wishes, which is in no source",
                      Tree(self.page("`Log.Holds` `Log.Wishes`")).problems(fault_matrix))

    def test_a_row_without_a_test_needs_its_words(self):
        tree = Tree({"docs/fault-matrix.md": self.ROW.format("`Log.Holds`") + self.ROW.format(""),
                     **self.TEST})
        self.assertIn("names no test", tree.problems(fault_matrix))
        tree = Tree({"docs/fault-matrix.md": self.ROW.format("`Log.Holds`")
                     + self.ROW.format("left to the models"), **self.TEST})
        self.assertEqual("", tree.problems(fault_matrix))

    def test_what_did_not_run_or_failed_is_caught(self):
        case = '<testsuites><testcase classname="Log" name="Holds" status="{}">{}</testcase></testsuites>'
        self.assertEqual("", self.ran(case.format("run", "")))
        self.assertIn("failed", self.ran(case.format("run", "<failure/>")))
        self.assertIn("did not run", self.ran(case.format("notrun", "")))
        self.assertIn("did not run", self.ran("<testsuites/>"))
        of_many = case.replace('"Log"', '"All/Log"').replace('"Holds"', '"Holds/1"')
        self.assertEqual("", self.ran(of_many.format("run", "")))

    def test_what_cannot_run_here_is_told_apart_from_what_was_forgotten(self):
        case = '<testsuites><testcase name="{}" status="notrun"><skipped/></testcase></testsuites>'
        for program, is_excused in (("a_test", True), ("other_test", False)):
            tree = Tree({**self.page("`Log.Holds`"), "out/ctest.xml": case.format(program)})
            excused = []
            with tree.scratch as root:
                problems = fault_matrix.check(root, os.path.join(root, "out"), excused)
            self.assertEqual(is_excused, not problems)
            self.assertEqual(["row 1: Log.Holds"] if is_excused else [], excused)


if __name__ == "__main__":
    sys.exit(unittest.main())
