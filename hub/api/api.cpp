// SPDX-License-Identifier: Apache-2.0
#include "hub/api/api.hpp"

#include "hub/api/definitions.hpp"
#include "hub/api/follow.hpp"
#include "hub/api/gateways.hpp"
#include "hub/api/health.hpp"
#include "hub/api/holds.hpp"
#include "hub/api/models.hpp"
#include "hub/api/openapi.hpp"
#include "hub/api/parked.hpp"
#include "hub/api/rows.hpp"
#include "hub/api/tail.hpp"
#include "hub/api/trail.hpp"
#include "hub/api/verify.hpp"
#include "hub/api/versions.hpp"
#include "hub/metrics/metrics.hpp"

namespace sluice::hub {

namespace {

MetricsGroup program_metrics(const NeedDesk& needs, std::function<std::uint64_t()> http_requests) {
  return [&needs, http_requests =
                      std::move(http_requests)](http::PrometheusText& out) -> core::Result<void> {
    out.family("sluice_hub_needs_published_total", "counter",
               "Times that a gateway was asked for a missing range.");
    out.sample({}, needs.published());
    out.family("sluice_hub_http_requests_total", "counter", "HTTP requests served.");
    out.sample({}, http_requests());
    out.family("sluice_hub_info", "gauge", "The program's version.");
    out.sample({{"version", SLUICE_VERSION}}, std::uint64_t{1});
    return {};
  };
}

}  // namespace

void add_api(Routes& routes, const ApiParts& parts) {
  add_models_api(routes, {parts.models, parts.clock, parts.verify, parts.leases});
  add_versions_api(routes, {parts.models, parts.reload, parts.rebuild_away});
  add_rows_api(routes, {parts.models, parts.clock});
  add_workers_api(routes, parts.leases);
  add_reactors_api(routes, {parts.reactors, parts.audit, parts.clock});
  add_follow_api(routes, {parts.models});
  add_gateways_api(routes, {parts.models, parts.reports, parts.watch, parts.clock});
  add_definitions_api(routes, parts.models);
  add_verify_api(routes, {parts.models, parts.verify});
  add_parked_api(routes, {parts.models, parts.audit, parts.clock});
  add_holds_api(routes, {parts.models, parts.audit, parts.clock});
  add_tail_api(routes, parts.tail);
  add_trail_api(routes, {parts.models, parts.reports, parts.shards, parts.connection, parts.clock});
  add_health_api(routes, parts.models, parts.leases);
  add_openapi_api(routes, parts.models);
  add_metrics_api(routes,
                  {model_metrics(parts.models, parts.leases, parts.clock),
                   verify_metrics(parts.models, parts.verify),
                   gateway_metrics(parts.models, parts.reports, parts.clock),
                   reactor_metrics(parts.reactors, parts.clock), worker_metrics(parts.leases),
                   program_metrics(parts.needs, parts.http_requests)});
}

}  // namespace sluice::hub
