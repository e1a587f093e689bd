// SPDX-License-Identifier: Apache-2.0
#include "hub/api_gateways.hpp"

#include <algorithm>
#include <memory>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/forks.hpp"

namespace sluice::hub {

namespace json = core::json;

namespace {

constexpr std::int64_t kSilentAfterNs = 15LL * 60 * 1'000'000'000;  // three reports missed

json::object describe_gateway_lanes(const codec::Report& report) {
  json::object out;
  for (const core::Lane lane : core::kLanes) {
    const auto& state = report.lanes[index(lane)];
    out[core::lane_name(lane)] =
        json::object{{"last", state.last},
                     {"acked", state.acked},
                     {"backlog", state.last > state.acked ? state.last - state.acked : 0}};
  }
  return out;
}

json::array describe_forks(const std::vector<Fork>& forks) {
  json::array out;
  for (const Fork& fork : forks) {
    json::object one{{"kind", fork_word(fork.kind)},
                     {"words", fork.words},
                     {"do", fork.to_do},
                     {"seen_at", core::format_time(fork.since_ns)}};
    if (fork.epoch) {
      one["epoch"] = fork.epoch.text();
      one["previous"] = fork.previous.text();
      one["events"] = fork.events;
    }
    out.push_back(std::move(one));
  }
  return out;
}

json::object describe_gateway(const ReportKeeper::Gateway& gateway, const std::vector<Fork>& forks,
                              std::int64_t now_ns) {
  const codec::Report& report = gateway.report;
  const std::int64_t age_ns = std::max<std::int64_t>(0, now_ns - gateway.received_ns);
  json::array machines;
  for (const std::string& machine : gateway.machines) machines.push_back(json::string(machine));
  const char* state = gateway.is_clone() ? "clone" : age_ns > kSilentAfterNs ? "silent" : "live";
  return {{"gateway", report.gateway},
          {"state", state},
          {"machine", report.machine},
          {"epoch", report.epoch.text()},
          {"received_at", core::format_time(gateway.received_ns)},
          {"age_s", age_ns / 1'000'000'000},
          {"lanes", describe_gateway_lanes(report)},
          {"backlog", backlog_of(report)},
          {"disk", json::object{{"free_bytes", report.disk_free_bytes},
                                {"total_bytes", report.disk_total_bytes}}},
          {"clock", json::object{{"wall_at", core::format_time(report.wall_ns)},
                                 {"trusted", report.clock_trusted}}},
          {"up_s", report.started_ns_ago / 1'000'000'000},
          {"version", report.program_version},
          {"last_error", report.last_error},
          {"clone", gateway.is_clone()},
          {"stopped_as_clone", report.stopped_as_clone},
          {"machines", std::move(machines)},
          {"forks", describe_forks(forks)}};
}

http::Response gateways(const GatewaysApi& parts) {
  const std::int64_t now_ns = parts.clock.wall_ns();
  json::array list;
  const auto all = parts.branches->all();
  for (const auto& gateway : parts.reports.all(now_ns))
    list.push_back(
        describe_gateway(gateway, forks_of(gateway.report.gateway, all, &gateway), now_ns));
  return json_response(core::to_json(json::object{{"gateways", std::move(list)},
                                                  {"now", core::format_time(now_ns)},
                                                  {"connected", parts.watch.connected()},
                                                  {"last_error", parts.watch.last_error()}}));
}

}  // namespace

std::uint64_t backlog_of(const codec::Report& report) {
  std::uint64_t backlog = 0;
  for (const auto& lane : report.lanes)
    backlog += lane.last > lane.acked ? lane.last - lane.acked : 0;
  return backlog;
}

void add_gateways_api(Routes& routes, const GatewaysApi& parts) {
  routes.get("/v1/gateways", [parts](const http::Request&) { return gateways(parts); });
}

}  // namespace sluice::hub
