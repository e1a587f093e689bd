// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "gateway/device_wear.hpp"
#include "gateway/prometheus.hpp"
#include "gateway/service_manager.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::gateway {
namespace {

TEST(PrometheusText, IsTheFormatThatPrometheusReads) {
  http::PrometheusText out;
  out.family("a_total", "counter", "How many.").sample(7);
  out.family("b", "gauge", "What.").sample({{"lane", "alarm"}, {"x", "q\"\\\n"}}, 1.5).sample(-2);
  EXPECT_EQ(out.text(),
            "# HELP a_total How many.\n# TYPE a_total counter\na_total 7\n"
            "# HELP b What.\n# TYPE b gauge\nb{lane=\"alarm\",x=\"q\\\"\\\\\\n\"} 1.5\nb -2\n");
}

TEST(PrometheusText, AWaitingEventHasAnAgeAndAClockThatWentBackHasNone) {
  std::array<storage::LaneState, core::kLaneCount> lanes;
  lanes[0].oldest_unacked_wall_ns = 1'000'000'000;
  lanes[1].oldest_unacked_wall_ns = 9'000'000'000;
  http::PrometheusText out;
  add_lane_metrics(out, lanes, {}, 6'000'000'000);
  EXPECT_NE(out.text().find("sluice_lane_oldest_unacked_seconds{lane=\"alarm\"} 5\n"),
            std::string::npos);
  EXPECT_NE(out.text().find("sluice_lane_oldest_unacked_seconds{lane=\"system\"} 0\n"),
            std::string::npos);
}

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(WriterPulse, QueuedWorkMustBeSettledWithinThePatience) {
  WriterPulse pulse(std::chrono::seconds(10));
  const auto at = [&](std::uint64_t second, std::uint64_t queued, std::uint64_t settled) {
    const std::uint64_t now = 1000 * kSecond + second * kSecond;
    return pulse.beats({.now_ns = now, .turn_ns = now, .queued = queued, .settled = settled});
  };
  EXPECT_TRUE(at(0, 0, 0));  // idle from the start
  EXPECT_TRUE(at(5, 7, 0));  // work waits, for less than the patience
  EXPECT_TRUE(at(10, 7, 0));
  EXPECT_FALSE(at(11, 7, 0));  // and now for longer
  EXPECT_TRUE(at(12, 7, 1));   // one commit, or one refusal
  EXPECT_TRUE(at(22, 9, 1));
  EXPECT_FALSE(at(23, 9, 1));
  EXPECT_TRUE(at(24, 0, 1));  // nothing waits any more
}

TEST(WriterPulse, AnIdleWriterMustStillComeRound) {
  WriterPulse pulse(std::chrono::seconds(10));
  const std::uint64_t start = 1000 * kSecond;
  EXPECT_TRUE(pulse.beats({.now_ns = start, .turn_ns = 0, .queued = 0, .settled = 0}));
  EXPECT_TRUE(
      pulse.beats({.now_ns = start + 9 * kSecond, .turn_ns = start, .queued = 0, .settled = 0}));
  // A commit that hangs has taken its events out of the queue.
  EXPECT_FALSE(
      pulse.beats({.now_ns = start + 11 * kSecond, .turn_ns = start, .queued = 0, .settled = 0}));
}

TEST(DeviceWear, CountsTheDevicesSectorsOrReckons) {
  test::TempDir folder;
  struct stat info {};
  ASSERT_EQ(::stat(folder.path().c_str(), &info), 0);
  const auto number = std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  std::filesystem::create_directories(folder / ("sys/dev/block/" + number));
  const std::string stat = "sys/dev/block/" + number + "/stat";
  folder.write(stat, "  1 2 3 4 5 6 1000 8 9 10 11\n");
  const DeviceWear measured(folder / "not/made/yet", folder / "sys");
  folder.write(stat, "  1 2 3 4 5 6 1008 8 9 10 11\n");
  EXPECT_TRUE(measured.since_start(1, 1).measured);
  EXPECT_EQ(measured.since_start(1, 1).bytes, 8u * 512);
  const DeviceWear reckoned(folder.path(), folder / "nothing");
  EXPECT_FALSE(reckoned.since_start(1, 100).measured);
  // What the benchmark measured at 100 events per commit: 0.83 KB each.
  EXPECT_EQ(reckoned.since_start(1, 100).bytes / 100, 839u);
}

}  // namespace
}  // namespace sluice::gateway
