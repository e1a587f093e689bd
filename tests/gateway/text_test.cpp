// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "gateway/prometheus.hpp"
#include "gateway/service_manager.hpp"

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

TEST(WriterPulse, AWriterThatHangsWithWorkHasNone) {
  WriterPulse pulse;
  EXPECT_TRUE(pulse.beats(0, 0));     // idle from the start
  EXPECT_TRUE(pulse.beats(5, 100));   // a commit since the last look
  EXPECT_FALSE(pulse.beats(5, 100));  // work waits, and no commit came
  EXPECT_TRUE(pulse.beats(5, 200));
  EXPECT_TRUE(pulse.beats(0, 200));
}

}  // namespace
}  // namespace sluice::gateway
