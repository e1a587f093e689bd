// SPDX-License-Identifier: Apache-2.0
#include "hub/api/decision_json.hpp"

#include "core/text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Decision;
namespace json = core::json;

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
  const auto text = [&](const json::object& in, const char* key) -> std::string_view {
    const json::value* value = in.if_contains(key);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                  : std::string_view();
  };
  Decision out;
  const auto event = core::Identity::parse(text(*object, "event"));
  const auto at = core::parse_time(text(*object, "at"));
  const std::string_view deed = text(*object, "deed");
  if (!event || !at || (deed != "skip" && deed != "retry")) return bad();
  out.event = *event;
  out.applied = deed == "retry";
  out.reason = text(*object, "reason");
  out.at_ns = *at;
  const auto flag = [&](const char* key) {
    const json::value* value = object->if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  out.late = flag("late");
  out.done = flag("done");
  const json::value* place = object->if_contains("place");
  if (place == nullptr) return out;
  if (!place->is_object()) return bad();
  const auto epoch = core::Epoch::parse(text(place->get_object(), "epoch"));
  const json::value* next = place->get_object().if_contains("next");
  if (!epoch || next == nullptr || !next->is_int64() || next->get_int64() < 1) return bad();
  out.epoch = *epoch;
  out.next = static_cast<core::Seq>(next->get_int64());
  return out;
}

}  // namespace sluice::hub
