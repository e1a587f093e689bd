// SPDX-License-Identifier: Apache-2.0
#include "hub/api/holds.hpp"

#include <algorithm>
#include <optional>

#include "core/json.hpp"
#include "core/text.hpp"
#include "hub/api/away_list.hpp"
#include "hub/deeds/operator_words.hpp"
#include "hub/versions/known_states.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

namespace {

std::string_view kind_word(projection::Hole::Kind kind) {
  switch (kind) {
    case projection::Hole::Kind::kMissing:
      return "missing";
    case projection::Hole::Kind::kBeginning:
      return "beginning";
    case projection::Hole::Kind::kPredecessor:
      return "predecessor";
  }
  return "missing";
}

// What POST /v1/holds/skip asks for.
struct SkipRequest {
  std::string model;  // empty: all that wait there
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  std::optional<core::Seq> from;
  core::Seq to = 0;
  std::string reason;
};

Result<std::string> text_field(const json::object& object, const char* key, bool required) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr && !required) return std::string();
  if (value == nullptr || !value->is_string())
    return fail(Errc::kBadRequest, std::string(key) + " must be text", key);
  return std::string(value->as_string());
}

Result<std::optional<core::Seq>> seq_field(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::optional<core::Seq>();
  if (value->is_int64() && value->as_int64() >= 0)
    return std::optional(static_cast<core::Seq>(value->as_int64()));
  if (value->is_uint64()) return std::optional<core::Seq>(value->as_uint64());
  return fail(Errc::kBadRequest, std::string(key) + " must be a seq", key);
}

Result<void> parse_row(const json::object& object, SkipRequest& out) {
  auto gateway = text_field(object, "gateway", true);
  if (!gateway) return gateway.error();
  out.gateway = std::move(*gateway);
  const auto epoch_text = text_field(object, "epoch", true);
  if (!epoch_text) return epoch_text.error();
  const auto epoch = core::Epoch::parse(*epoch_text);
  if (!epoch) return fail(Errc::kBadRequest, "epoch must be 16 hex digits", "epoch");
  out.epoch = *epoch;
  const auto lane_text = text_field(object, "lane", true);
  if (!lane_text) return lane_text.error();
  const auto lane = core::parse_lane(*lane_text);
  if (!lane) return fail(Errc::kBadRequest, lane.error().message, "lane");
  out.lane = *lane;
  return {};
}

Result<SkipRequest> parse_skip(std::string_view body) {
  const auto parsed = core::parse_json(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be a JSON object");
  const json::object& object = parsed->as_object();
  for (const auto& entry : object) {
    constexpr std::string_view kKnown[] = {"model", "gateway", "epoch", "lane",
                                           "from",  "to",      "reason"};
    if (std::find(std::begin(kKnown), std::end(kKnown), std::string_view(entry.key())) ==
        std::end(kKnown))
      return fail(Errc::kBadRequest, "unknown field", std::string(entry.key()));
  }
  SkipRequest out;
  auto model = text_field(object, "model", false);
  if (!model) return model.error();
  out.model = std::move(*model);
  SLUICE_TRY(parse_row(object, out));
  const auto from = seq_field(object, "from");
  if (!from) return from.error();
  out.from = *from;
  const auto to = seq_field(object, "to");
  if (!to) return to.error();
  if (!*to) return fail(Errc::kBadRequest, "to, the last seq to step over, must be given", "to");
  out.to = **to;
  auto reason = text_field(object, "reason", true);
  if (!reason) return reason.error();
  SLUICE_TRY(check_reason(*reason));
  out.reason = std::move(*reason);
  return out;
}

// The first hole of the row; nullopt if nothing is missing there.
Result<std::optional<projection::Hole>> first_hole(projection::Engine& engine,
                                                   const SkipRequest& request) {
  const auto holes = engine.holes(100 * EngineHost::kHolesMax);
  if (!holes) return holes.error();
  std::optional<projection::Hole> first;
  for (const projection::Hole& hole : *holes)
    if (hole.gateway == request.gateway && hole.epoch == request.epoch &&
        hole.lane == request.lane && (!first || hole.from < first->from))
      first = hole;
  return first;
}

struct Skipped {
  std::uint64_t holes = 0;
  std::uint64_t absent = 0;
  std::uint64_t applied = 0;
};

// Steps over every hole of the row that ends at or below `to`.
Result<Skipped> skip_in(projection::Engine& engine, const SkipRequest& request) {
  Skipped done;
  for (;;) {
    const auto hole = first_hole(engine, request);
    if (!hole) return hole.error();
    if (!*hole || (*hole)->from > request.to) return done;
    const std::string range = std::to_string((*hole)->from) + " to " + std::to_string((*hole)->to);
    if (done.holes == 0 && request.from && *request.from != (*hole)->from)
      return fail(Errc::kBadRequest, "the first hole there is " + range, "from");
    if ((*hole)->to > request.to) {
      if (done.holes > 0) return done;
      return fail(Errc::kBadRequest, "a hole is stepped over whole; this one is " + range, "to");
    }
    const auto outcome =
        engine.skip({request.gateway, request.epoch, request.lane}, request.reason);
    if (!outcome) return outcome.error();
    done.holes += 1;
    done.absent += outcome->absent;
    done.applied += outcome->applied;
  }
}

void describe_holes(const ModelVersion& model, const EngineState& known, std::int64_t now,
                    json::array& out) {
  for (const projection::Hole& hole : known.holes) {
    const bool blocked =
        std::any_of(known.lanes.begin(), known.lanes.end(), [&](const projection::LaneState& lane) {
          return lane.blocked && lane.gateway == hole.gateway && lane.lane == hole.lane;
        });
    out.push_back(
        json::object{{"model", model.name()},
                     {"version", model.id().text()},
                     {"gateway", hole.gateway},
                     {"epoch", hole.epoch.text()},
                     {"lane", core::lane_name(hole.lane)},
                     {"from", hole.from},
                     {"to", hole.to},
                     {"kind", kind_word(hole.kind)},
                     {"held", hole.held},
                     {"blocked", blocked},
                     {"since", core::format_time(hole.since_ns)},
                     {"age_s", std::max<std::int64_t>(0, now - hole.since_ns) / 1'000'000'000}});
  }
}

http::Response holds(const HoldsApi& parts) {
  json::array list;
  AwayList away(parts.models);
  std::uint64_t oldest_s = 0;
  for (const auto& [version, known] : known_states(parts.models.open_versions())) {
    if (!known && away.take(version->name(), known.error())) continue;
    if (!known) return http::error_response(known.error());
    oldest_s = std::max(oldest_s, (*known)->age_s(parts.clock));
    describe_holes(*version, **known, parts.clock.wall_ns(), list);
  }
  return json_response(core::to_json(json::object{
      {"holds", std::move(list)}, {"away", std::move(away).json()}, {"figures_s_ago", oldest_s}}));
}

http::Response skip_hold(const HoldsApi& parts, const http::Request& request) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  const auto asked = parse_skip(request.body);
  if (!asked) return http::error_response(asked.error());
  if (!asked->model.empty() && !parts.models.find(asked->model))
    return http::error_response(parts.models.missing(asked->model));
  Skipped all;
  json::array models;
  for (const auto& model : parts.models.open_versions()) {
    if (!asked->model.empty() && model->name() != asked->model) continue;
    const auto done =
        model->with_engine([&](projection::Engine& engine) { return skip_in(engine, *asked); });
    // Also after an error: some holes may have been stepped over before it.
    model->changes().committed({{}, {}, !done || done->holes > 0});
    if (!done) return http::error_response(done.error());
    if (done->holes == 0) continue;
    all.holes += done->holes;
    all.absent = std::max(all.absent, done->absent);
    all.applied += done->applied;
    const json::value name = json::string(model->name());
    if (std::find(models.begin(), models.end(), name) == models.end()) models.push_back(name);
  }
  if (all.holes == 0)
    return http::error_response(
        fail(Errc::kNotFound, "no model waits for anything there up to that seq"));
  const json::object deed{{"models", models},
                          {"gateway", asked->gateway},
                          {"epoch", asked->epoch.text()},
                          {"lane", core::lane_name(asked->lane)},
                          {"to", asked->to},
                          {"skipped", all.absent},
                          {"reason", asked->reason},
                          {"by", request.peer}};
  const auto recorded = parts.audit.record("HoldSkipped", deed);
  json::object out{{"skipped", all.absent},
                   {"holes", all.holes},
                   {"applied", all.applied},
                   {"models", std::move(models)},
                   {"event", recorded && *recorded}};
  if (!recorded) out["event_error"] = core::to_string(recorded.error());
  return json_response(core::to_json(out));
}

}  // namespace

void add_holds_api(Routes& routes, const HoldsApi& parts) {
  routes.report("/v1/holds", [parts](const http::Request& request) {
    const auto known = check_parameters(request, {});
    return known ? holds(parts) : http::error_response(known.error());
  });
  routes.post("/v1/holds/skip",
              [parts](const http::Request& request) { return skip_hold(parts, request); });
}

}  // namespace sluice::hub
