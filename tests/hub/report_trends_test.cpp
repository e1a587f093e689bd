// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/report_trends.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;
constexpr auto kLane = core::Lane::kTelemetry;

codec::Report report(core::Seq last, core::Seq acked, std::uint64_t free_bytes = 0) {
  codec::Report out;
  out.lanes[index(kLane)] = {last, acked};
  out.disk_free_bytes = free_bytes;
  out.disk_total_bytes = free_bytes == 0 ? 0 : 1'000'000;
  return out;
}

TEST(ReportTrends, EventsWaitSinceTheFirstReportThatHadThem) {
  ReportTrends trends;
  trends.take(report(10, 10), 0);
  EXPECT_EQ(trends.waits_ns(kLane, 1 * kMinute), 0);
  trends.take(report(20, 10), 1 * kMinute);
  trends.take(report(30, 10), 2 * kMinute);
  EXPECT_EQ(trends.waits_ns(kLane, 5 * kMinute), 4 * kMinute);
  trends.take(report(40, 20), 6 * kMinute);
  EXPECT_EQ(trends.waits_ns(kLane, 7 * kMinute), 5 * kMinute) << "21 to 30 wait since minute 2";
  trends.take(report(40, 40), 8 * kMinute);
  EXPECT_EQ(trends.waits_ns(kLane, 9 * kMinute), 0);
  EXPECT_EQ(trends.waits_ns(core::Lane::kAlarm, 9 * kMinute), 0);
}

TEST(ReportTrends, AnotherLogBeginsAnew) {
  ReportTrends trends;
  trends.take(report(100, 10), 1 * kMinute);
  trends.take(report(50, 10), 9 * kMinute);
  EXPECT_EQ(trends.waits_ns(kLane, 10 * kMinute), 1 * kMinute);
}

TEST(ReportTrends, ALongOutageKeepsItsBeginningInFewMarks) {
  ReportTrends trends;
  for (core::Seq i = 1; i <= 10'000; ++i)
    trends.take(report(i, 0), static_cast<std::int64_t>(i) * kMinute);
  EXPECT_EQ(trends.waits_ns(kLane, 10'000 * kMinute), 9'999 * kMinute);
}

TEST(ReportTrends, TheDiskLastsAsLongAsItsRateOfTheLastHoursSays) {
  ReportTrends trends;
  trends.take(report(1, 1, 900'000), 0);
  trends.take(report(1, 1, 890'000), 30 * kMinute);
  EXPECT_FALSE(trends.disk_days_left()) << "half an hour says too little";
  trends.take(report(1, 1, 800'000), 120 * kMinute);  // 50,000 an hour: 16 h
  ASSERT_TRUE(trends.disk_days_left());
  EXPECT_NEAR(*trends.disk_days_left(), 16.0 / 24, 1e-6);
  trends.take(report(1, 1, 950'000), 125 * kMinute);
  EXPECT_FALSE(trends.disk_days_left()) << "trimming has made room";
}

}  // namespace
}  // namespace sluice::hub
