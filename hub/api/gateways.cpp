// SPDX-License-Identifier: Apache-2.0
#include "hub/api/gateways.hpp"

#include <algorithm>
#include <map>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/fleet/forks.hpp"
#include "hub/versions/known_branches.hpp"

namespace sluice::hub {

namespace json = core::json;

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kSilentAfterNs = 15LL * 60 * kSecondNs;  // three reports missed

json::object describe_gateway_lanes(const ReportKeeper::Gateway& gateway, std::int64_t now_ns) {
  json::object out;
  for (const core::Lane lane : core::kLanes) {
    const auto& state = gateway.report.lanes[index(lane)];
    out[core::lane_name(lane)] =
        json::object{{"last", state.last},
                     {"acked", state.acked},
                     {"backlog", state.last > state.acked ? state.last - state.acked : 0},
                     {"lag_s", gateway.trends.waits_ns(lane, now_ns) / kSecondNs}};
  }
  return out;
}

std::int64_t longest_wait_ns(const ReportTrends& trends, std::int64_t now_ns) {
  std::int64_t longest = 0;
  for (const core::Lane lane : core::kLanes)
    longest = std::max(longest, trends.waits_ns(lane, now_ns));
  return longest;
}

json::object describe_disk(const ReportKeeper::Gateway& gateway) {
  json::object out{{"free_bytes", gateway.report.disk_free_bytes},
                   {"total_bytes", gateway.report.disk_total_bytes}};
  if (const auto days = gateway.trends.disk_days_left()) out["days_left"] = *days;
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

// Its clock against the NATS server's, which dated the report: positive is ahead. What the report
// took to come is in it, so a second or two mean nothing.
std::int64_t clock_off_s(const ReportKeeper::Gateway& gateway) {
  // Apart from each other first: a clock that is centuries off must not overflow.
  return gateway.report.wall_ns / kSecondNs - gateway.received_ns / kSecondNs;
}

json::object describe_gateway(const ReportKeeper::Gateway& gateway, const std::vector<Fork>& forks,
                              std::int64_t now_ns) {
  const codec::Report& report = gateway.report;
  const std::int64_t age_ns = std::max<std::int64_t>(0, now_ns - gateway.received_ns);
  json::array machines;
  for (const std::string& machine : gateway.machines) machines.push_back(json::string(machine));
  const char* const state = gateway.is_clone()        ? "clone"
                            : age_ns > kSilentAfterNs ? "silent"
                                                      : "live";
  return {{"gateway", report.gateway},
          {"state", state},
          {"machine", report.machine},
          {"epoch", report.epoch.text()},
          {"received_at", core::format_time(gateway.received_ns)},
          {"age_s", age_ns / kSecondNs},
          {"lanes", describe_gateway_lanes(gateway, now_ns)},
          {"backlog", backlog_of(report)},
          {"lag_s", longest_wait_ns(gateway.trends, now_ns) / kSecondNs},
          {"disk", describe_disk(gateway)},
          {"clock", json::object{{"wall_at", core::format_time(report.wall_ns)},
                                 {"trusted", report.clock_trusted},
                                 {"off_s", clock_off_s(gateway)}}},
          {"up_s", report.started_ns_ago / 1'000'000'000},
          {"version", report.program_version},
          {"last_error", report.last_error},
          {"clone", gateway.is_clone()},
          {"stopped_as_clone", report.stopped_as_clone},
          {"machines", std::move(machines)},
          {"forks", describe_forks(forks)}};
}

// Each gateway's epochs, as the models know them: the most of any model and lane. A database that
// cannot be read is said by its model.
std::map<std::string, std::uint64_t> epochs_by_gateway(const std::vector<KnownState>& models) {
  std::map<std::string, std::uint64_t> out;
  for (const KnownState& model : models) {
    if (!model.state) continue;
    for (const projection::LaneState& lane : (*model.state)->lanes) {
      std::uint64_t& epochs = out[lane.gateway];
      epochs = std::max(epochs, lane.epochs);
    }
  }
  return out;
}

http::Response gateways(const GatewaysApi& parts) {
  const std::int64_t now_ns = parts.clock.wall_ns();
  json::array list;
  const auto models = known_states(parts.models.serving());
  const auto branches = known_branches(models);
  const auto epochs = epochs_by_gateway(models);
  for (const auto& gateway : parts.reports.all(now_ns)) {
    auto one =
        describe_gateway(gateway, forks_of(gateway.report.gateway, branches, &gateway), now_ns);
    if (const auto known = epochs.find(gateway.report.gateway); known != epochs.end())
      one["epochs"] = known->second;
    list.push_back(std::move(one));
  }
  return json_response(core::to_json(json::object{{"gateways", std::move(list)},
                                                  {"now", core::format_time(now_ns)},
                                                  {"connected", parts.watch.connected()},
                                                  {"last_error", parts.watch.last_error()}}));
}

json::array model_lanes(const std::vector<KnownState>& models, std::string_view gateway,
                        std::uint64_t& epochs) {
  json::array out;
  for (const auto& [version, known] : models) {
    if (!known) continue;
    for (const projection::LaneState& lane : (*known)->lanes) {
      if (lane.gateway != gateway) continue;
      epochs = std::max(epochs, lane.epochs);
      out.push_back(json::object{{"model", version->name()},
                                 {"lane", core::lane_name(lane.lane)},
                                 {"epoch", lane.epoch.text()},
                                 {"open", lane.open},
                                 {"next", lane.next},
                                 {"held", lane.held},
                                 {"absent", lane.absent},
                                 {"blocked", lane.blocked},
                                 {"epochs", lane.epochs}});
    }
  }
  return out;
}

http::Response one_gateway(const GatewaysApi& parts, std::string_view name) {
  const std::int64_t now_ns = parts.clock.wall_ns();
  const auto gateway = parts.reports.one(name, now_ns);
  std::uint64_t epochs = 0;
  const auto models = known_states(parts.models.serving());
  json::array lanes = model_lanes(models, name, epochs);
  if (!gateway && lanes.empty())
    return http::error_response(
        core::fail(core::Errc::kNotFound,
                   "none of this name has reported here, and no model knows one", "gateway"));
  json::object out{{"gateway", name}};
  if (gateway)
    out = describe_gateway(*gateway, forks_of(std::string(name), known_branches(models), &*gateway),
                           now_ns);
  out["reported"] = gateway.has_value();
  out["epochs"] = epochs;
  out["models"] = std::move(lanes);
  out["now"] = core::format_time(now_ns);
  return json_response(core::to_json(out));
}

}  // namespace

std::uint64_t backlog_of(const codec::Report& report) {
  std::uint64_t backlog = 0;
  for (const auto& lane : report.lanes)
    backlog += lane.last > lane.acked ? lane.last - lane.acked : 0;
  return backlog;
}

void add_gateways_api(Routes& routes, const GatewaysApi& parts) {
  routes.report("/v1/gateways", [parts](const http::Request& request) {
    const auto known = check_parameters(request, {});
    return known ? gateways(parts) : http::error_response(known.error());
  });
  routes.report("/v1/gateways/{gateway}", [parts](const http::Request& request) {
    return one_gateway(parts, request.parameter("gateway"));
  });
}

}  // namespace sluice::hub
