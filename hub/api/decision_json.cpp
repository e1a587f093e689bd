// SPDX-License-Identifier: Apache-2.0
#include "hub/api/decision_json.hpp"

#include "core/text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Decision;
namespace json = core::json;

namespace {

std::string_view text_in(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

std::optional<core::Seq> seq_in(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return static_cast<core::Seq>(value->get_int64());
}

bool flag_in(const json::object& in, const char* key) {
  const json::value* value = in.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

json::object decision_json(const Decision& decision) {
  json::object out{{"event", decision.event.text()}, {"deed", decision.applied ? "retry" : "skip"},
                   {"reason", decision.reason},      {"at", core::format_time(decision.at_ns)},
                   {"late", decision.late},          {"done", decision.done}};
  if (decision.next != 0)
    out["place"] = json::object{{"epoch", decision.epoch.text()}, {"next", decision.next}};
  return out;
}

Result<Decision> parse_decision(const json::value& told) {
  const auto bad = [] { return fail(Errc::kCorrupt, "an operator's decision has another form"); };
  const json::object* object = told.if_object();
  if (object == nullptr) return bad();
  Decision out;
  const auto event = core::Identity::parse(text_in(*object, "event"));
  const auto at = core::parse_time(text_in(*object, "at"));
  const std::string_view deed = text_in(*object, "deed");
  if (!event || !at || (deed != "skip" && deed != "retry")) return bad();
  out.event = *event;
  out.applied = deed == "retry";
  out.reason = text_in(*object, "reason");
  out.at_ns = *at;
  out.late = flag_in(*object, "late");
  out.done = flag_in(*object, "done");
  const json::value* place = object->if_contains("place");
  if (place == nullptr) return out;
  if (!place->is_object()) return bad();
  const auto epoch = core::Epoch::parse(text_in(place->get_object(), "epoch"));
  const auto next = seq_in(place->get_object(), "next");
  if (!epoch || next.value_or(0) == 0) return bad();
  out.epoch = *epoch;
  out.next = *next;
  return out;
}

json::object skipped_json(const projection::SkippedHole& hole) {
  json::object out{
      {"gateway", hole.gateway}, {"epoch", hole.epoch.text()}, {"lane", core::lane_name(hole.lane)},
      {"from", hole.range.from}, {"to", hole.range.to},        {"reason", hole.reason},
      {"done", hole.done}};
  if (hole.at_ns != 0) out["at"] = core::format_time(hole.at_ns);
  return out;
}

Result<projection::SkippedHole> parse_skipped(const json::value& told) {
  const auto bad = [] { return fail(Errc::kCorrupt, "a hole stepped over has another form"); };
  const json::object* object = told.if_object();
  if (object == nullptr) return bad();
  const auto epoch = core::Epoch::parse(text_in(*object, "epoch"));
  const auto lane = core::parse_lane(text_in(*object, "lane"));
  const auto from = seq_in(*object, "from");
  const auto to = seq_in(*object, "to");
  projection::SkippedHole out;
  out.gateway = text_in(*object, "gateway");
  out.reason = text_in(*object, "reason");
  if (!epoch || !lane || !from || !to || out.gateway.empty() || out.reason.empty()) return bad();
  out.epoch = *epoch;
  out.lane = *lane;
  out.range = {*from, *to};
  out.done = flag_in(*object, "done");
  if (!object->contains("at")) return out;
  const auto at = core::parse_time(text_in(*object, "at"));
  if (!at) return bad();
  out.at_ns = *at;
  return out;
}

}  // namespace sluice::hub
