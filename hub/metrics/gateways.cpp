// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "hub/fleet/forks.hpp"
#include "hub/metrics/metrics.hpp"
#include "hub/versions/known_branches.hpp"

namespace sluice::hub {

namespace {

using http::PrometheusText;

void write_gateways(PrometheusText& out, const std::vector<ReportKeeper::Gateway>& gateways,
                    const std::vector<projection::Branch>& branches, std::int64_t now_ns) {
  out.family("sluice_gateway_report_age_seconds", "gauge", "Since a gateway's last report.");
  for (const auto& gateway : gateways)
    out.sample({{"gateway", gateway.report.gateway}},
               std::max(0.0, static_cast<double>(now_ns - gateway.received_ns) / 1e9));
  out.family("sluice_gateway_backlog_events", "gauge", "Not acknowledged by the hub, as reported.");
  for (const auto& gateway : gateways)
    for (const core::Lane lane : core::kLanes) {
      const auto& state = gateway.report.lanes[index(lane)];
      out.sample({{"gateway", gateway.report.gateway}, {"lane", core::lane_name(lane)}},
                 state.last > state.acked ? state.last - state.acked : std::uint64_t{0});
    }
  out.family("sluice_gateway_clone", "gauge", "1 while two machines report as one gateway.");
  for (const auto& gateway : gateways)
    out.sample({{"gateway", gateway.report.gateway}}, std::uint64_t{gateway.is_clone()});
  out.family("sluice_gateway_forks", "gauge",
             "Times that a gateway's log came apart, as its epochs and reports show (at most 16).");
  for (const auto& gateway : gateways)
    out.sample({{"gateway", gateway.report.gateway}},
               std::uint64_t{forks_of(gateway.report.gateway, branches, &gateway).size()});
}

}  // namespace

MetricsGroup gateway_metrics(const ModelShelf& models, const ReportKeeper& reports,
                             const core::Clock& clock) {
  return [&models, &reports, &clock](PrometheusText& out) -> core::Result<void> {
    const std::int64_t now_ns = clock.wall_ns();
    write_gateways(out, reports.all(now_ns), known_branches(known_states(models.serving())),
                   now_ns);
    return {};
  };
}

}  // namespace sluice::hub
