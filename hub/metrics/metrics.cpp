// SPDX-License-Identifier: Apache-2.0
#include "hub/metrics/metrics.hpp"

namespace sluice::hub {

void add_metrics_api(Routes& routes, std::vector<MetricsGroup> groups) {
  routes.report("/metrics", [groups = std::move(groups)](const http::Request&) {
    http::PrometheusText out;
    for (const MetricsGroup& group : groups)
      if (const auto written = group(out); !written) return http::error_response(written.error());
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = out.text();
    return response;
  });
}

}  // namespace sluice::hub
