// SPDX-License-Identifier: Apache-2.0
#include "cli/centre_findings.hpp"
#include "cli/json_field.hpp"

#include <string>
#include <string_view>

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr std::uint64_t kHoldAlarmS = 600;  // docs/hub-api.md: then it is an alarm

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return {};
  return value->is_string() ? std::string(value->get_string()) : json_text(*value);
}

bool flag_of(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<const json::object*> objects_of(const json::object& object, std::string_view key) {
  std::vector<const json::object*> out;
  const json::value* list = member(object, key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& one : list->get_array())
    if (one.is_object()) out.push_back(&one.get_object());
  return out;
}

const json::object* object_of(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value != nullptr ? value->if_object() : nullptr;
}

std::string version_of(const json::object& model) {
  const std::string serving = text_of(model, "serving");
  return serving.empty() ? text_of(model, "version") : serving;
}

std::string count(std::uint64_t n, const char* one, const char* many) {
  return with_thousands(n) + " " + (n == 1 ? one : many);
}

void look_at_shards(const json::object& model, const std::string& name, std::vector<Finding>& out) {
  for (const json::object* shard : objects_of(model, "shards")) {
    const std::string state = text_of(*shard, "state");
    const std::string where = name + " on shard " + text_of(*shard, "shard");
    const std::string lag = count(number_at(*shard, "lag"), "message", "messages") + " behind";
    const std::string error = text_of(*shard, "last_error");
    if (state == "stalled")
      out.push_back(failed(
          where + " has stood still for " + with_thousands(number_at(*shard, "moved_s_ago")) +
              " s, " + lag + (error.empty() ? "" : ": " + error),
          error.empty() ? "journalctl -u sluice-hub says what it waits for."
                        : "Mend what it names; the model goes on by itself where it stopped."));
    else if (state == "blocked")
      out.push_back(failed(where + ": a lane's share of held events is full, " + lag,
                           "It goes on when its hole closes: see the check of holds."));
    else if (state == "lagging")
      out.push_back(warn(where + " is " + lag + " (" + text_of(*shard, "lag_s") + " s)",
                         "It moves. If it never catches up, give the model its own worker or "
                         "database."));
    if (const std::uint64_t anew = number_at(*shard, "begun_anew"); anew != 0)
      out.push_back(warn(where + " was read from its first message again " +
                             count(anew, "time", "times") + " since the start",
                         "The hub stream was made anew or cut back. Nothing is applied twice, but "
                         "find out who did it."));
  }
}

void look_at_versions(const json::object& model, const std::string& name,
                      std::vector<Finding>& out) {
  if (const std::string problem = text_of(model, "problem"); !problem.empty())
    out.push_back(failed(name + ": the definition that is there now cannot be taken: " + problem,
                         "The version that serves goes on. Correct the file (sluice model check), "
                         "then: systemctl reload sluice-hub"));
  const json::object* building = object_of(model, "building");
  if (building == nullptr) return;
  const std::string state = text_of(*building, "state");
  const std::string why = text_of(*building, "why");
  const std::string version = name + " version " + text_of(*building, "version");
  if (state == "failed" || state == "refused" || state == "differs")
    out.push_back(failed(version + " is not served: " + (why.empty() ? state : why),
                         "The older version goes on serving. Correct the definition, raise its "
                         "version, then: systemctl reload sluice-hub"));
  else
    out.push_back(found(version + " is being built" + (why.empty() ? std::string() : ": " + why) +
                        " (sluice model list)"));
}

void look_at_verify(const json::object& model, const std::string& name, std::vector<Finding>& out) {
  const json::object* verify = object_of(model, "verify");
  if (verify == nullptr) return;
  const std::uint64_t differences = number_at(*verify, "differences");
  if (differences != 0)
    out.push_back(failed(name + " differs from its events in " +
                             count(differences, "cell", "cells") + " as of " +
                             text_of(*verify, "at"),
                         "sluice model verify " + name + " names them; sluice model rebuild " +
                             name + " builds it anew beside."));
}

}  // namespace

std::vector<Finding> findings_of_models(const json::object& models) {
  std::vector<Finding> out;
  for (const json::object* away : objects_of(models, "away"))
    out.push_back(failed(
        "the database of " + text_of(*away, "model") + " does not answer: " + text_of(*away, "why"),
        "Is PostgreSQL running, and does [hub] postgres name it? The other models "
        "go on, and this one by itself when it is back."));
  for (const json::object* model : objects_of(models, "models")) {
    const std::size_t before = out.size();
    const std::string name = text_of(*model, "model");
    look_at_shards(*model, name, out);
    look_at_versions(*model, name, out);
    look_at_verify(*model, name, out);
    if (const std::uint64_t parked = number_at(*model, "parked"); parked != 0)
      out.push_back(
          warn(name + " has put " + count(parked, "event", "events") + " aside that take no effect",
               "sluice parked list --model " + name + " says why, and what to do with each."));
    if (const std::uint64_t refused = number_at(*model, "refused"); refused != 0)
      out.push_back(
          warn(name + " has refused " + count(refused, "message", "messages") +
                   " that name another gateway than their subject, or cannot be read",
               "Somebody publishes under false names, or a body was damaged: the log of sluice-hub "
               "has the sequence of each; see docs/security.md."));
    if (out.size() == before)
      out.push_back(found(name + " version " + version_of(*model) + " is " +
                          text_of(*model, "state") + ", " +
                          count(number_at(*model, "applied"), "event", "events") + " applied"));
  }
  return out;
}

std::vector<Finding> findings_of_holds(const json::object& holds, const json::object& gateways) {
  std::vector<Finding> out;
  for (const json::object* hold : objects_of(holds, "holds")) {
    const std::string gateway = text_of(*hold, "gateway");
    const std::string lane = text_of(*hold, "lane");
    std::string is;
    for (const json::object* one : objects_of(gateways, "gateways"))
      if (text_of(*one, "gateway") == gateway) is = text_of(*one, "state");
    const std::string words = text_of(*hold, "model") + ": " +
                              count(number_at(*hold, "held"), "event waits", "events wait") +
                              " for seq " + text_of(*hold, "from") + " to " + text_of(*hold, "to") +
                              " of lane " + lane + " of " + gateway + ", epoch " +
                              text_of(*hold, "epoch") + ", since " + text_of(*hold, "since");
    if (number_at(*hold, "age_s") < kHoldAlarmS) {
      out.push_back(found(words + "; the gateway has been asked for it"));
      continue;
    }
    const std::string skip = "sluice holds skip --gateway-id " + gateway + " --epoch " +
                             text_of(*hold, "epoch") + " --lane " + lane + " --to " +
                             text_of(*hold, "to") + " --reason '...' gives them up";
    out.push_back(failed(words, is == "live"
                                    ? gateway +
                                          " is live and does not answer: look at journalctl -u "
                                          "sluice-uplink there. If the events are gone for good, " +
                                          skip + "."
                                    : gateway +
                                          " is not in touch. They come when it is back, or in a "
                                          "bundle from its card (sluice bundle export). Else " +
                                          skip + "."));
  }
  if (out.empty()) out.push_back(found("no lane waits for anything"));
  return out;
}

std::vector<Finding> findings_of_gateways(const json::object& gateways) {
  std::vector<Finding> out;
  std::uint64_t live = 0;
  for (const json::object* gateway : objects_of(gateways, "gateways")) {
    const std::string name = text_of(*gateway, "gateway");
    const std::string state = text_of(*gateway, "state");
    const std::string error = text_of(*gateway, "last_error");
    if (state == "clone")
      out.push_back(failed(name + ": two machines report as this gateway",
                           "Stop the wrong one, then on the right one: sluice-uplink --takeover"));
    else if (state == "silent")
      out.push_back(warn(name + " has not reported for " +
                             with_thousands(number_at(*gateway, "age_s") / 60) + " min",
                         "Its events wait on its own disk. On the gateway: sluice doctor"));
    else
      ++live;
    if (!error.empty())
      out.push_back(warn(name + " reports: " + error, "On the gateway: sluice doctor"));
    if (const json::object* clock = object_of(*gateway, "clock");
        clock != nullptr && clock->contains("trusted") && !flag_of(*clock, "trusted"))
      out.push_back(warn(name + " does not trust its clock",
                         "Order and delivery do not depend on it; times do. Give it NTP or an "
                         "RTC."));
    for (const json::object* fork : objects_of(*gateway, "forks"))
      out.push_back(warn(name + ": " + text_of(*fork, "words"), text_of(*fork, "do")));
  }
  if (flag_of(gateways, "connected") || !gateways.contains("connected"))
    out.push_back(found(count(live, "gateway reports", "gateways report") + " in time"));
  else
    out.push_back(
        failed("sluice-hub cannot read the gateways' reports: " + text_of(gateways, "last_error"),
               "Is the bucket there (sluice provision), and its login allowed to read "
               "it? docs/hub-api.md has the exact rights."));
  return out;
}

}  // namespace sluice::cli
