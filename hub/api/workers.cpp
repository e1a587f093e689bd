// SPDX-License-Identifier: Apache-2.0
#include "hub/api/workers.hpp"

#include "core/json.hpp"

namespace sluice::hub {

namespace json = core::json;

namespace {

json::object describe(const LeaseKeeper& keeper) {
  const LeaseKeeper::View view = keeper.view();
  json::array workers;
  for (const std::string& worker : view.workers) {
    std::uint64_t count = 0;
    for (const auto& [shard, one] : view.shards) count += one.owner == worker ? 1 : 0;
    workers.push_back(json::object{{"worker", worker}, {"shards", count}});
  }
  json::array shards;
  for (const auto& [shard, one] : view.shards)
    shards.push_back(
        json::object{{"shard", shard},
                     {"worker", one.owner.empty() ? json::value() : json::value(one.owner)},
                     {"here", one.here},
                     {"token", one.here ? json::value(one.token) : json::value()}});
  return {{"hub", keeper.settings().hub},
          {"worker", keeper.settings().worker},
          {"lease_ttl_ms", keeper.settings().ttl.count()},
          {"workers", std::move(workers)},
          {"shards", std::move(shards)},
          {"leases_taken", view.taken},
          {"leases_lost", view.lost},
          {"last_error", view.last_error}};
}

}  // namespace

void add_workers_api(Routes& routes, const LeaseKeeper* keeper) {
  routes.report("/v1/workers", [keeper](const http::Request&) {
    if (keeper == nullptr)  // this one reads all shards by itself
      return json_response(core::to_json(json::object{
          {"worker", nullptr}, {"workers", json::array()}, {"shards", json::array()}}));
    return json_response(core::to_json(describe(*keeper)));
  });
}

MetricsGroup worker_metrics(const LeaseKeeper* keeper) {
  return [keeper](http::PrometheusText& out) -> core::Result<void> {
    if (keeper == nullptr) return {};
    const LeaseKeeper::View view = keeper->view();
    out.family("sluice_hub_workers", "gauge",
               "Workers of this hub that live, as this one sees it.");
    out.sample({}, std::uint64_t{view.workers.size()});
    out.family("sluice_hub_lease_here", "gauge", "1 for the shards that this worker reads.");
    for (const auto& [shard, one] : view.shards)
      out.sample({{"shard", shard}}, std::uint64_t{one.here});
    out.family("sluice_hub_lease_owned", "gauge", "1 for the shards that any worker reads.");
    for (const auto& [shard, one] : view.shards)
      out.sample({{"shard", shard}}, std::uint64_t{!one.owner.empty()});
    out.family("sluice_hub_leases_taken_total", "counter", "Leases taken since the start.");
    out.sample({}, view.taken);
    out.family("sluice_hub_leases_lost_total", "counter",
               "Leases that ran out, or that another worker took.");
    out.sample({}, view.lost);
    return {};
  };
}

}  // namespace sluice::hub
