// SPDX-License-Identifier: Apache-2.0
#include "hub/api_models.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/api_versions.hpp"
#include "hub/away_list.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

constexpr std::size_t kParkedMax = 100;  // in one answer

json::array describe_tables(const ModelVersion& version) {
  json::array out;
  for (const projection::QueryTable& table : version.tables()) {
    json::array columns;
    for (const projection::QueryColumn& column : table.columns) {
      json::object entry{{"name", column.name}};
      if (column.type) entry["type"] = projection::type_word(*column.type);
      if (column.key) entry["key"] = true;
      columns.push_back(std::move(entry));
    }
    out.push_back(json::object{{"name", table.name},
                               {"kind", table.view ? "view" : "table"},
                               {"columns", std::move(columns)}});
  }
  return out;
}

json::array describe_lanes(const std::vector<projection::LaneState>& lanes) {
  json::array out;
  for (const projection::LaneState& lane : lanes) {
    json::object entry{{"gateway", lane.gateway},    {"lane", core::lane_name(lane.lane)},
                       {"epoch", lane.epoch.text()}, {"next", lane.next},
                       {"open", lane.open},          {"epochs", lane.epochs},
                       {"held", lane.held},          {"absent", lane.absent},
                       {"blocked", lane.blocked}};
    if (lane.available_from != 0) entry["available_from"] = lane.available_from;
    out.push_back(std::move(entry));
  }
  return out;
}

json::array describe_parked(const std::vector<projection::ParkedEvent>& events) {
  json::array out;
  for (const projection::ParkedEvent& event : events)
    out.push_back(json::object{{"gateway", event.gateway},
                               {"epoch", event.epoch.text()},
                               {"lane", core::lane_name(event.lane)},
                               {"seq", event.seq},
                               {"stream", event.stream},
                               {"type", event.type},
                               {"kind", event.kind},
                               {"why", event.why},
                               {"hub_seq", event.hub_seq},
                               {"parked_at", core::format_time(event.parked_at_ns)}});
  return out;
}

json::object describe_feed(const ModelFeed& feed, bool blocked, const core::Clock& clock) {
  const FeedStatus status = feed.status();
  const Progress progress = progress_of(status, blocked, clock);
  json::object out{{"shard", feed.shard()},
                   {"hub_stream", status.hub.name},
                   {"created", status.hub.created},
                   {"state", state_word(derive_state(progress))},
                   {"connected", status.connected},
                   {"position", status.position},
                   {"hub_last", progress.hub_last},
                   {"lag", progress.lag()},
                   {"lag_s", static_cast<std::int64_t>(lag_seconds(status, clock))},
                   {"moved_s_ago", progress.moved_ns_ago / 1'000'000'000},
                   {"sessions", status.sessions},
                   {"begun_anew", status.begun_anew},
                   {"last_error", status.last_error}};
  if (status.stored_ns != 0) out["read_up_to"] = core::format_time(status.stored_ns);
  return out;
}

Result<json::object> describe(ModelVersion& host, const core::Clock& clock) {
  const auto lanes =
      host.with_engine([](projection::Engine& engine) { return engine.lanes(kLanesMax); });
  if (!lanes) return lanes.error();
  const auto totals = host.with_engine([](projection::Engine& engine) { return engine.totals(); });
  if (!totals) return totals.error();
  const auto holes = host.with_engine(
      [](projection::Engine& engine) { return engine.holes(EngineHost::kHolesMax); });
  if (!holes) return holes.error();
  const bool blocked = std::any_of(lanes->begin(), lanes->end(),
                                   [](const projection::LaneState& lane) { return lane.blocked; });
  std::uint64_t held = 0;
  std::uint64_t absent = 0;
  for (const projection::LaneState& lane : *lanes) {
    held += lane.held;
    absent += lane.absent;
  }
  json::array shards;
  ModelState state = ModelState::kRunning;
  bool caught_up = true;
  for (const auto& feed : host.feeds()) {
    shards.push_back(describe_feed(*feed, blocked, clock));
    const Progress progress = progress_of(feed->status(), blocked, clock);
    state = worse(state, derive_state(progress));
    caught_up = caught_up && progress.caught_up();
  }
  json::object out{
      {"model", host.name()},
      {"version", host.model().version()},
      {"history", host.model().history() == projection::History::kWhole ? "whole" : "available"},
      {"state", state_word(state)},
      {"caught_up", caught_up},
      {"shards", std::move(shards)},
      {"applied", totals->applied},
      {"holds", holes->size()},
      {"held", held},
      {"absent", absent},
      {"parked", totals->parked},
      {"late", totals->late},
      {"old_epoch", totals->old_epoch},
      {"refused", totals->refused},
      {"tables", describe_tables(host)}};
  if (totals->last_event_ns != 0) out["last_event_at"] = core::format_time(totals->last_event_ns);
  return out;
}

void add_versions(const ModelShelf& models, const std::string& name, json::object& described) {
  if (const auto host = models.find(name))
    for (auto& [key, value] : describe_versions(*host)) described[key] = std::move(value);
}

http::Response models(const ModelsApi& parts) {
  json::array list;
  AwayList away(parts.models);
  for (const auto& version : parts.models.serving()) {
    auto described = describe(*version, parts.clock);
    if (!described && away.take(version->name(), described.error())) continue;
    if (!described) return http::error_response(described.error());
    add_versions(parts.models, version->name(), *described);
    (*described)["verify"] = status_json(parts.verify.status(version->name()));
    list.push_back(std::move(*described));
  }
  return json_response(core::to_json(json::object{{"models", std::move(list)},
                                                  {"away", std::move(away).json()},
                                                  {"now", core::format_time(parts.clock.wall_ns())},
                                                  {"version", SLUICE_VERSION}}));
}

http::Response model(const ModelsApi& parts, const http::Request& request) {
  const auto version = parts.models.serving(request.parameter("model"));
  if (!version) return http::error_response(parts.models.missing(request.parameter("model")));
  auto described = describe(*version, parts.clock);
  if (!described) return http::error_response(described.error());
  add_versions(parts.models, version->name(), *described);
  (*described)["verify"] = status_json(parts.verify.status(version->name()));
  const auto lanes =
      version->with_engine([](projection::Engine& engine) { return engine.lanes(kLanesMax); });
  if (!lanes) return http::error_response(lanes.error());
  const auto parked =
      version->with_engine([](projection::Engine& engine) { return engine.parked(kParkedMax); });
  if (!parked) return http::error_response(parked.error());
  (*described)["lanes"] = describe_lanes(*lanes);
  (*described)["parked_events"] = describe_parked(*parked);
  return json_response(core::to_json(*described));
}

}  // namespace

void add_models_api(Routes& routes, const ModelsApi& parts) {
  routes.get("/v1/models", [parts](const http::Request&) { return models(parts); });
  routes.get("/v1/models/{model}",
             [parts](const http::Request& request) { return model(parts, request); });
}

}  // namespace sluice::hub
