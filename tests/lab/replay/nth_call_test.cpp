// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/nth_call.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "tests/support/lab_report.hpp"

namespace sluice::lab {
namespace {

std::string words(const NthTally& tally) {
  std::string all;
  for (const std::string& finding : tally.findings) all += "\n  " + finding;
  return all;
}

// Every n; SLUICE_LAB_STEP takes every so manieth only.
std::uint64_t step() {
  const char* text = std::getenv("SLUICE_LAB_STEP");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

void expect_good(const NthTally& tally, const std::string& what) {
  std::printf("%s: %llu runs, the log stopped in %llu\n", what.c_str(),
              static_cast<unsigned long long>(tally.runs),
              static_cast<unsigned long long>(tally.troubled));
  EXPECT_TRUE(tally.findings.empty()) << words(tally);
  test::lab_report({"n-th call fails: " + what, tally.runs, tally.acked, tally.lost, tally.doubled,
                    tally.out_of_order, tally.reopened});
}

void fail_each(CallKind kind, std::initializer_list<int> errors) {
  NthCallLab lab;
  NthTally tally;
  for (const int error : errors)
    for (const bool sticky : {false, true}) lab.run({kind, error, sticky}, 1, step(), tally);
  expect_good(tally, std::string(call_name(kind)));
}

TEST(NthCall, AnyWriteMayFail) {
  fail_each(CallKind::kWrite, {EIO, ENOSPC});
}
TEST(NthCall, AnySyncMayFail) {
  fail_each(CallKind::kSync, {EIO, ENOSPC});
}
TEST(NthCall, AnyOpenMayFail) {
  fail_each(CallKind::kOpen, {EIO, ENOSPC, EMFILE, EROFS});
}
TEST(NthCall, AnyTruncateMayFail) {
  fail_each(CallKind::kTruncate, {EIO});
}
TEST(NthCall, AnyUnlinkMayFail) {
  fail_each(CallKind::kUnlink, {EIO, EROFS});
}
TEST(NthCall, AnyMkdirMayFail) {
  fail_each(CallKind::kMkdir, {EIO, ENOSPC});
}

}  // namespace
}  // namespace sluice::lab
