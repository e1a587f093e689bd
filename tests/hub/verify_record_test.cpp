// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/verify_record.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace sluice::hub {
namespace {

VerifyRecord one_row_differs() {
  VerifyRecord out;
  out.version = "3.2";
  out.serving_since_ns = 1'700'000'000'123'456'789;
  out.sample = 500;
  out.began_ns = 5;
  out.ended_ns = 9;
  out.duration_s = 0.25;
  out.rows = 510;
  out.differences = 1;
  core::json::array findings;
  for (int i = 0; i < 100; ++i) findings.push_back(core::json::object{{"table", i}});
  out.report = {{"rows", 510}, {"findings", findings}};
  return out;
}

TEST(VerifyRecord, IsReadAsItWasWritten) {
  const VerifyRecord wrote = one_row_differs();
  const auto read = read_record(write_record(wrote));
  ASSERT_TRUE(read);
  EXPECT_EQ(write_record(*read), write_record(wrote));
  EXPECT_EQ(read->serving_since_ns, wrote.serving_since_ns);
  EXPECT_EQ(read->differences, 1u);
  for (const char* bad : {"", "[]", "{}", R"({"format":1,"version":"1"})"})
    EXPECT_EQ(read_record(bad).error().code, core::Errc::kCorrupt) << bad;
  EXPECT_EQ(read_record(R"({"format":2})").error().code, core::Errc::kUnsupported);
}

TEST(VerifyRecord, IsOfOneVersionInOneTimeOfItsServing) {
  const VerifyRecord record = one_row_differs();
  const VersionRecord serving{{3, 2}, VersionState::kServing, record.serving_since_ns, {}};
  EXPECT_TRUE(record.is_of(serving));
  EXPECT_FALSE(record.is_of({{3, 3}, VersionState::kServing, record.serving_since_ns, {}}));
  EXPECT_FALSE(record.is_of({{3, 2}, VersionState::kServing, record.serving_since_ns + 1, {}}));
}

TEST(VerifyShelf, KeepsTheNewestOfEachModelWithItsFirstFindings) {
  const test::TempDir folder;
  core::StderrLogger log;
  const VerifyShelf shelf(folder / "verified");
  EXPECT_TRUE(shelf.read(log).empty());
  ASSERT_TRUE(shelf.keep("pumps", one_row_differs()));
  VerifyRecord newer = one_row_differs();
  newer.ended_ns = 11;
  ASSERT_TRUE(shelf.keep("pumps", newer));
  ASSERT_TRUE(shelf.keep("valves", one_row_differs()));
  std::ofstream(folder / "verified" / "broken.json") << "{";
  const auto kept = shelf.read(log);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept.at("pumps").ended_ns, 11);
  EXPECT_EQ(kept.at("pumps").report.at("findings").as_array().size(), VerifyShelf::kFindingsKept);
  EXPECT_FALSE(std::filesystem::exists(folder / "verified" / "pumps.json.new"));
}

}  // namespace
}  // namespace sluice::hub
