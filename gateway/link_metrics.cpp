// SPDX-License-Identifier: Apache-2.0
#include "gateway/link_metrics.hpp"

#include "core/ids.hpp"

namespace sluice::gateway {
namespace {

void per_lane(http::PrometheusText& out, const rpc::Value& lanes, std::string_view name,
              std::string_view help, const char* key) {
  out.family(name, "counter", help);
  for (const core::Lane lane : core::kLanes) {
    const auto value = lanes.find(core::lane_name(lane)).find(key).unsigned_integer();
    if (value) out.sample({{"lane", core::lane_name(lane)}}, *value);
  }
}

}  // namespace

void add_link_metrics(http::PrometheusText& out, const rpc::Value& link) {
  const rpc::Value lanes = link.find("lanes");
  if (lanes.kind() != rpc::Value::Kind::kMap) return;
  per_lane(out, lanes, "sluice_hub_rewinds_total",
           "Times that the hub lacked what it had acknowledged, since the uplink's start.",
           "rewinds");
  per_lane(out, lanes, "sluice_hub_rewound_events_total", "Events of these rewinds.",
           "rewound_events");
  out.family("sluice_hub_rewind_open", "gauge",
             "1 while something is sent again or waits for an operator.")
      .sample(link.find("rewind").text().value_or("").empty() ? 0 : 1);
  out.family("sluice_link_bytes_per_second", "gauge", "The link's rate, as measured; 0: not known.")
      .sample(link.find("link_rate").unsigned_integer().value_or(0));
  out.family("sluice_link_window_bytes", "gauge", "How much may be in flight.")
      .sample(link.find("window_bytes").unsigned_integer().value_or(0));
}

}  // namespace sluice::gateway
