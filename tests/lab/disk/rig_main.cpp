// SPDX-License-Identifier: Apache-2.0
// Tests on a disk of their own need root and loop devices. Where those are missing nothing was
// proved, and that is said three times: a banner, a row of the lab's table, and an exit code that
// ctest lists under "did not run". With SLUICE_LAB_MUST_RUN it is a failure.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/lab/disk/loop_disk.hpp"
#include "tests/support/lab_report.hpp"

namespace {

constexpr int kDidNotRun = 77;  // ctest: SKIP_RETURN_CODE

int cannot_run_here(const std::string& why) {
  std::fprintf(stderr,
               "\n"
               "**********************************************************************\n"
               "** THE DISK LAB CANNOT RUN HERE: nothing about power cuts, full and\n"
               "** faulty disks was tested. What is missing: root and loop devices.\n"
               "** %s\n"
               "**********************************************************************\n\n",
               why.c_str());
  sluice::test::lab_report(
      {.fault = "disk lab: NOT RUN, no root or loop devices", .reopened = false});
  return std::getenv("SLUICE_LAB_MUST_RUN") != nullptr ? 1 : kDidNotRun;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  const std::string missing = sluice::test::LoopDisk::prepare();
  return missing.empty() ? RUN_ALL_TESTS() : cannot_run_here(missing);
}
