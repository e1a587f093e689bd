// SPDX-License-Identifier: Apache-2.0
#include "core/codec/messages.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/text.hpp"
#include "tests/core/bytes.hpp"

namespace sluice::codec {
namespace {

Report largest() {
  Report report;
  report.gateway = std::string(32, 'g');
  report.machine = std::string(200, 'm');
  report.epoch = core::Epoch{UINT64_MAX};
  for (auto& lane : report.lanes) lane = {UINT64_MAX, UINT64_MAX};
  report.disk_free_bytes = UINT64_MAX;
  report.disk_total_bytes = UINT64_MAX;
  report.wall_ns = INT64_MIN;
  report.clock_trusted = true;
  report.started_ns_ago = UINT64_MAX;
  report.program_version = std::string(200, 'v');
  report.last_error = std::string(5000, 'e');
  report.stopped_as_clone = true;
  return report;
}

TEST(Report, HasAtMost350BytesAtItsWorst) {
  EXPECT_LE(encode_report(largest()).size(), 350u);
}

TEST(Report, IsReadBackAsItWasWritten) {
  Report report = largest();
  report.machine = "board-1";
  report.program_version = "0.1.0";
  report.last_error = "no route";
  report.lanes[1] = {7, 5};
  const auto back = decode_report(encode_report(report));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->gateway, report.gateway);
  EXPECT_EQ(back->machine, "board-1");
  EXPECT_EQ(back->epoch, report.epoch);
  EXPECT_EQ(back->lanes[1].last, 7u);
  EXPECT_EQ(back->lanes[1].acked, 5u);
  EXPECT_EQ(back->lanes[3].acked, UINT64_MAX);
  EXPECT_EQ(back->disk_free_bytes, UINT64_MAX);
  EXPECT_EQ(back->wall_ns, INT64_MIN);
  EXPECT_EQ(back->started_ns_ago, UINT64_MAX);
  EXPECT_EQ(back->last_error, "no route");
  EXPECT_TRUE(back->stopped_as_clone);
}

TEST(Report, CutsTextsAtACharacter) {
  Report report = largest();
  report.last_error = "x";
  while (report.last_error.size() < 200) report.last_error += "\xe2\x82\xac";  // three bytes each
  const auto back = decode_report(encode_report(report));
  ASSERT_TRUE(back);
  EXPECT_TRUE(core::is_utf8(back->last_error));
  EXPECT_EQ(back->last_error.size(), 94u);  // 1 + 31 * 3; one more would be 97
}

TEST(Report, RefusesEveryCutAndForeignBytes) {
  const std::string good = encode_report(largest());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_report(good.substr(0, size))) << size;
  for (const char* bad : {"c0", "90", "91c0", "dd10000000", "9d01a0a0a0a0a0a0a0a0a0a0a0a0"})
    EXPECT_FALSE(decode_report(test::bytes(bad))) << bad;
  std::string newer = good;
  newer[1] = 2;
  EXPECT_EQ(decode_report(newer).error().code, core::Errc::kUnsupported);
}

TEST(Need, IsReadBackAsItWasWritten) {
  const Need need{core::Epoch{0xabc}, core::Lane::kBulk, 5, 9};
  const auto back = decode_need(encode_need(need));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->epoch, need.epoch);
  EXPECT_EQ(back->lane, need.lane);
  EXPECT_EQ(back->from, 5u);
  EXPECT_EQ(back->to, 9u);
}

TEST(Need, RefusesRangesThatAreNone) {
  EXPECT_FALSE(decode_need(encode_need({core::Epoch{1}, core::Lane::kBulk, 0, 9})));
  EXPECT_FALSE(decode_need(encode_need({core::Epoch{1}, core::Lane::kBulk, 9, 8})));
  EXPECT_TRUE(decode_need(encode_need({core::Epoch{1}, core::Lane::kBulk, 9, 9})));
}

TEST(Need, RefusesEveryCutAndForeignBytes) {
  const std::string good = encode_need({core::Epoch{1}, core::Lane::kBulk, 5, 9});
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_need(good.substr(0, size))) << size;
  EXPECT_FALSE(decode_need(std::string(5000, '\x91')));
  EXPECT_FALSE(decode_need(test::bytes("9501a1780101 01")));
}

}  // namespace
}  // namespace sluice::codec
