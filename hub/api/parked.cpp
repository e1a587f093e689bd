// SPDX-License-Identifier: Apache-2.0
#include "hub/api/parked.hpp"

#include <algorithm>
#include <charconv>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
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

core::Identity identity_of(const projection::ParkedEvent& event) {
  return {event.gateway, event.epoch, event.lane, event.seq, 0};
}

json::object described(const std::string& model, const projection::ParkedEvent& event) {
  return {{"model", model},
          {"event", identity_of(event).text()},
          {"stream", event.gateway + "/" + event.stream},
          {"type", event.type},
          {"kind", event.kind},
          {"why", event.why},
          {"behind", event.behind},
          {"hub_seq", event.hub_seq},
          {"parked_at", core::format_time(event.parked_at_ns)}};
}

// What waits behind a poison event is counted with it.
http::Response list(const ParkedApi& parts, const http::Request& request) {
  if (const auto known = check_parameters(request, {"model"}); !known)
    return http::error_response(known.error());
  auto versions = parts.models.serving();
  if (const auto wanted = request.query_value("model")) {
    const auto one = parts.models.serving(*wanted);
    if (!one) return http::error_response(parts.models.missing(*wanted));
    versions = {one};
  }
  json::array out;
  AwayList away(parts.models);
  std::uint64_t oldest_s = 0;
  for (const auto& [version, known] : known_states(versions)) {
    if (!known && away.take(version->name(), known.error())) continue;
    if (!known) return http::error_response(known.error());
    oldest_s = std::max(oldest_s, (*known)->age_s(parts.clock));
    for (const projection::ParkedEvent& event : (*known)->parked)
      out.push_back(described(version->name(), event));
  }
  return json_response(core::to_json(json::object{
      {"parked", std::move(out)}, {"away", std::move(away).json()}, {"figures_s_ago", oldest_s}}));
}

http::Response show(const ParkedApi& parts, const http::Request& request) {
  const auto version = parts.models.serving(request.parameter("model"));
  if (!version) return http::error_response(parts.models.missing(request.parameter("model")));
  const auto identity = core::Identity::parse(request.parameter("event"));
  if (!identity)
    return http::error_response(fail(Errc::kBadRequest, identity.error().message, "event"));
  const auto event = version->parked_event(*identity);
  if (!event) return http::error_response(event.error());
  json::object out = described(version->name(), *event);
  if (const auto decoded = codec::decode_event(event->body)) {
    std::string text;
    codec::event_to_json(*decoded, text);
    if (auto content = core::parse_json(text)) out["content"] = std::move(*content);
  }
  return json_response(core::to_json(out));
}

// What both verbs ask for.
struct Settle {
  std::string model;
  core::Identity event;
  std::string reason;
};

Result<std::string> text_field(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string())
    return fail(Errc::kBadRequest, std::string(key) + " must be text", key);
  return std::string(value->as_string());
}

Result<Settle> parse_settle(std::string_view body, bool with_reason) {
  const auto parsed = core::parse_json(body);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return fail(Errc::kBadRequest, "the body must be a JSON object");
  const json::object& object = parsed->as_object();
  for (const auto& entry : object)
    if (entry.key() != "model" && entry.key() != "event" &&
        !(with_reason && entry.key() == "reason"))
      return fail(Errc::kBadRequest, "unknown field", std::string(entry.key()));
  Settle out;
  auto model = text_field(object, "model");
  if (!model) return model.error();
  out.model = std::move(*model);
  const auto event = text_field(object, "event");
  if (!event) return event.error();
  auto identity = core::Identity::parse(*event);
  if (!identity) return fail(Errc::kBadRequest, identity.error().message, "event");
  out.event = std::move(*identity);
  if (!with_reason) return out;
  auto reason = text_field(object, "reason");
  if (!reason) return reason.error();
  SLUICE_TRY(check_reason(*reason));
  out.reason = std::move(*reason);
  return out;
}

Result<projection::ParkedOutcome> settle_in(const ParkedApi& parts, const Settle& asked,
                                            bool retry) {
  if (!parts.models.serving(asked.model)) return parts.models.missing(asked.model);
  const auto host = parts.models.find(asked.model);
  return host->settle([&](projection::Engine& engine) {
    return retry ? engine.retry_parked(asked.event) : engine.skip_parked(asked.event, asked.reason);
  });
}

http::Response settle(const ParkedApi& parts, const http::Request& request, bool retry) {
  if (const auto sender = check_sender(request); !sender)
    return http::error_response(sender.error());
  const auto asked = parse_settle(request.body, !retry);
  if (!asked) return http::error_response(asked.error());
  const auto done = settle_in(parts, *asked, retry);
  if (!done) return http::error_response(done.error());
  json::object out{{"model", asked->model},
                   {"event", asked->event.text()},
                   {"settled", done->settled},
                   {"applied", done->applied},
                   {"behind", done->behind}};
  if (!done->why.empty()) out["why"] = done->why;
  if (done->settled) {
    json::object deed = out;
    if (!retry) deed["reason"] = asked->reason;
    deed["by"] = request.peer;
    const auto recorded = parts.audit.record(retry ? "ParkedRetried" : "ParkedSkipped", deed);
    out["recorded"] = recorded && *recorded;
    if (!recorded) out["event_error"] = core::to_string(recorded.error());
  }
  return json_response(core::to_json(out));
}

}  // namespace

void add_parked_api(Routes& routes, const ParkedApi& parts) {
  routes.report("/v1/parked",
                [parts](const http::Request& request) { return list(parts, request); });
  routes.get("/v1/parked/{model}/{event}",
             [parts](const http::Request& request) { return show(parts, request); });
  routes.post("/v1/parked/retry",
              [parts](const http::Request& request) { return settle(parts, request, true); });
  routes.post("/v1/parked/skip",
              [parts](const http::Request& request) { return settle(parts, request, false); });
}

}  // namespace sluice::hub
