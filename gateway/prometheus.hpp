// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "http/prometheus_text.hpp"
#include "storage/event_log.hpp"

// The families of `sluiced`'s /metrics.
namespace sluice::gateway {

void add_log_metrics(http::PrometheusText& out, const storage::EventLog::Counters& counters);
void add_lane_metrics(http::PrometheusText& out,
                      const std::array<storage::LaneState, core::kLaneCount>& lanes,
                      const storage::LogSettings& settings, std::int64_t now_wall_ns);

}  // namespace sluice::gateway
