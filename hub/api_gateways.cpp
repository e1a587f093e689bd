// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/text.hpp"
#include "hub/api.hpp"

namespace sluice::hub {

namespace json = core::json;

namespace {

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

}  // namespace

std::vector<projection::Branch> Api::branches() const {
  const std::lock_guard lock(branches_mutex_);
  const std::uint64_t now = parts_.clock.monotonic_ns();
  if (branches_ns_ != 0 && now - branches_ns_ < kBranchesNs) return branches_;
  std::vector<projection::Branch> all;
  for (const ServedModel& model : parts_.models) {
    auto found = model.host->with_engine(
        [](projection::Engine& engine) { return engine.branches(kBranchesMax); });
    if (!found) continue;  // a database that cannot be read is said by its model
    for (projection::Branch& branch : *found) {
      // Several models read the same lanes, and one may be behind another.
      const auto known = std::find_if(all.begin(), all.end(), [&](const projection::Branch& other) {
        return other.gateway == branch.gateway && other.lane == branch.lane &&
               other.epoch == branch.epoch;
      });
      if (known == all.end())
        all.push_back(std::move(branch));
      else if (known->hub_last < branch.hub_last)
        *known = std::move(branch);
    }
  }
  branches_ = std::move(all);
  branches_ns_ = now;
  return branches_;
}

json::object Api::describe_gateway(const ReportKeeper::Gateway& gateway,
                                   const std::vector<Fork>& forks, std::int64_t now_ns) const {
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

http::Response Api::gateways() const {
  const std::int64_t now_ns = parts_.clock.wall_ns();
  json::array list;
  const auto all = branches();
  for (const auto& gateway : parts_.reports.all(now_ns))
    list.push_back(
        describe_gateway(gateway, forks_of(gateway.report.gateway, all, &gateway), now_ns));
  json::object out{{"gateways", std::move(list)},
                   {"now", core::format_time(now_ns)},
                   {"connected", parts_.watch.connected()},
                   {"last_error", parts_.watch.last_error()}};
  http::Response response;
  response.body = core::to_json(out);
  return response;
}

}  // namespace sluice::hub
