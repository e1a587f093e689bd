// SPDX-License-Identifier: Apache-2.0
#include "hub/api/models.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/api/away_list.hpp"
#include "hub/api/versions.hpp"
#include "hub/versions/known_states.hpp"
#include "hub/workers/elsewhere.hpp"

namespace sluice::hub {

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

// What waits behind another is counted with it.
json::array describe_parked(const std::vector<projection::ParkedEvent>& events) {
  json::array out;
  for (const projection::ParkedEvent& event : events) {
    if (out.size() == kParkedMax) break;
    out.push_back(json::object{{"gateway", event.gateway},
                               {"epoch", event.epoch.text()},
                               {"lane", core::lane_name(event.lane)},
                               {"seq", event.seq},
                               {"stream", event.stream},
                               {"type", event.type},
                               {"kind", event.kind},
                               {"why", event.why},
                               {"behind", event.behind},
                               {"hub_seq", event.hub_seq},
                               {"parked_at", core::format_time(event.parked_at_ns)}});
  }
  return out;
}

json::object describe_feed(const ModelFeed& feed, const FeedStatus& status, bool is_elsewhere,
                           bool blocked, const core::Clock& clock) {
  const Progress progress = progress_of(status, blocked, clock);
  json::object out{{"shard", feed.shard()},
                   {"hub_stream", status.hub.name},
                   {"created", status.hub.created},
                   {"state", is_elsewhere ? "elsewhere" : state_word(derive_state(progress))},
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

using Feeds = std::vector<FeedStatus>;

// Before the engines are asked: what is said of effects is then never older than the positions.
Feeds look_at_feeds(const ModelVersion& version) {
  Feeds out;
  for (const auto& feed : version.feeds()) out.push_back(feed->status());
  return out;
}

json::object describe(const ModelVersion& version, const Feeds& feeds, const Elsewhere& elsewhere,
                      const EngineState& known, const core::Clock& clock) {
  std::uint64_t held = 0;
  std::uint64_t absent = 0;
  for (const projection::LaneState& lane : known.lanes) {
    held += lane.held;
    absent += lane.absent;
  }
  json::array shards;
  ModelState state = ModelState::kRunning;
  bool caught_up = true;
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    const bool is_elsewhere = elsewhere.has(version.feeds()[i]->shard());
    shards.push_back(
        describe_feed(*version.feeds()[i], feeds[i], is_elsewhere, known.blocked(), clock));
    if (is_elsewhere) continue;  // its worker tells
    const Progress progress = progress_of(feeds[i], known.blocked(), clock);
    state = worse(state, derive_state(progress));
    caught_up = caught_up && progress.caught_up();
  }
  const projection::EngineTotals& totals = known.totals;
  json::object out{
      {"model", version.name()},
      {"version", version.model().version()},
      {"history", version.model().history() == projection::History::kWhole ? "whole" : "available"},
      {"state", state_word(state)},
      {"caught_up", caught_up},
      {"shards", std::move(shards)},
      {"figures_s_ago", known.age_s(clock)},
      {"applied", totals.applied},
      {"holds", known.holes.size()},
      {"held", held},
      {"absent", absent},
      {"parked", totals.parked},
      {"late", totals.late},
      {"old_epoch", totals.old_epoch},
      {"refused", totals.refused},
      {"tables", describe_tables(version)}};
  if (totals.last_event_ns != 0) out["last_event_at"] = core::format_time(totals.last_event_ns);
  return out;
}

void add_versions(const ModelShelf& models, const std::string& name, json::object& described) {
  if (const auto host = models.find(name))
    for (auto& [key, value] : describe_versions(*host)) described[key] = std::move(value);
}

http::Response models(const ModelsApi& parts) {
  const auto serving = parts.models.serving();
  std::vector<Feeds> feeds;
  for (const auto& version : serving) feeds.push_back(look_at_feeds(*version));
  const auto all = known_states(serving);
  const Elsewhere elsewhere(parts.leases);
  json::array list;
  AwayList away(parts.models);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [version, known] = all[i];
    if (!known && away.take(version->name(), known.error())) continue;
    if (!known) return http::error_response(known.error());
    json::object described = describe(*version, feeds[i], elsewhere, **known, parts.clock);
    add_versions(parts.models, version->name(), described);
    described["verify"] = status_json(parts.verify.status(version->name()));
    list.push_back(std::move(described));
  }
  return json_response(core::to_json(json::object{{"models", std::move(list)},
                                                  {"away", std::move(away).json()},
                                                  {"now", core::format_time(parts.clock.wall_ns())},
                                                  {"version", SLUICE_VERSION}}));
}

http::Response model(const ModelsApi& parts, const http::Request& request) {
  const auto version = parts.models.serving(request.parameter("model"));
  if (!version) return http::error_response(parts.models.missing(request.parameter("model")));
  const Feeds feeds = look_at_feeds(*version);
  const auto known = known_states({version}).front().state;
  if (!known) return http::error_response(known.error());
  json::object described = describe(*version, feeds, Elsewhere(parts.leases), **known, parts.clock);
  add_versions(parts.models, version->name(), described);
  described["verify"] = status_json(parts.verify.status(version->name()));
  described["lanes"] = describe_lanes((*known)->lanes);
  described["parked_events"] = describe_parked((*known)->parked);
  return json_response(core::to_json(described));
}

}  // namespace

void add_models_api(Routes& routes, const ModelsApi& parts) {
  routes.report("/v1/models", [parts](const http::Request& request) {
    const auto known = check_parameters(request, {});
    return known ? models(parts) : http::error_response(known.error());
  });
  routes.report("/v1/models/{model}",
                [parts](const http::Request& request) { return model(parts, request); });
}

}  // namespace sluice::hub
