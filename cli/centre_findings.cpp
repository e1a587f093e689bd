// SPDX-License-Identifier: Apache-2.0
#include "cli/centre_findings.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/json_field.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr std::uint64_t kHoldAlarmS = 600;  // docs/hub-api.md: then it is an alarm
constexpr std::uint64_t kOldFiguresS = 10;

std::string version_of(const json::object& model) {
  const std::string serving = words_at(model, "serving");
  return serving.empty() ? words_at(model, "version") : serving;
}

std::string count(std::uint64_t n, const char* one, const char* many) {
  return with_thousands(n) + " " + (n == 1 ? one : many);
}

bool says(std::string_view error, std::string_view words) {
  return error.find(words) != std::string_view::npos;
}

// What to do about a model's error, by its words: those of SQLite, of PostgreSQL and of NATS come
// through as they are. In each case the model goes on by itself where it stopped.
std::string remedy_of(const std::string& error) {
  if (says(error, "locked")) {
    const std::size_t end = error.find(": database is locked");
    return (end == std::string::npos
                ? std::string("Another session holds a lock on this read database: "
                              "pg_stat_activity says whose.")
                : "Another program holds a lock on this read database: fuser -v " +
                      error.substr(0, end) + " says which.") +
           " End it; the model goes on by itself where it stopped.";
  }
  if (says(error, "is full") || says(error, "No space left") || says(error, "53100"))
    return "The disk of this read database is full: make room; the model goes on by itself where "
           "it stopped.";
  if (says(error, "read database is away"))
    return "Is PostgreSQL running, and does [hub] postgres name it? The model goes on by itself "
           "where it stopped.";
  if (says(error, "stream not found"))
    return "See the check of hub streams; the model goes on by itself when its stream is there.";
  return "Mend what it names; the model goes on by itself where it stopped.";
}

void look_at_shards(const json::object& model, const std::string& name, std::vector<Finding>& out) {
  for (const json::object* shard : objects_at(model, "shards")) {
    const std::string state = words_at(*shard, "state");
    const std::string where = name + " on shard " + words_at(*shard, "shard");
    const std::string lag = count(number_at(*shard, "lag"), "message", "messages") + " behind";
    const std::string error = words_at(*shard, "last_error");
    if (state == "stalled")
      out.push_back(failed(
          where + " has stood still for " + with_thousands(number_at(*shard, "moved_s_ago")) +
              " s, " + lag + (error.empty() ? "" : ": " + error),
          error.empty() ? "journalctl -u sluice-hub says what it waits for." : remedy_of(error)));
    else if (!error.empty() && state != "elsewhere")
      out.push_back(warn(where + " does not get on, " + lag + ", and tries again: " + error,
                         remedy_of(error)));
    else if (state == "blocked")
      out.push_back(failed(where + ": a lane's share of held events is full, " + lag,
                           "It goes on when its hole closes: see the check of holds."));
    else if (state == "lagging")
      out.push_back(warn(where + " is " + lag + " (" + words_at(*shard, "lag_s") + " s)",
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
  if (const std::string problem = words_at(model, "problem"); !problem.empty())
    out.push_back(failed(name + ": the definition that is there now cannot be taken: " + problem,
                         "The version that serves goes on. Correct the file (sluice model check), "
                         "then: systemctl reload sluice-hub"));
  if (const std::string lost = words_at(model, "lost"); !lost.empty())
    out.push_back(failed(name + ": the database of version " + lost +
                             ", which served, was gone when the hub started; version " +
                             words_at(model, "serving") + " serves",
                         "What operators decided since is lost. Find out who removed it, then: "
                         "sluice model rebuild " +
                             name));
  const json::object* building = object_at(model, "building");
  if (building == nullptr) return;
  const std::string state = words_at(*building, "state");
  const std::string why = words_at(*building, "why");
  const std::string version = name + " version " + words_at(*building, "version");
  if (state == "failed" || state == "refused" || state == "differs")
    out.push_back(failed(version + " is not served: " + (why.empty() ? state : why),
                         "The older version goes on serving. Correct the definition, raise its "
                         "version, then: systemctl reload sluice-hub"));
  else
    out.push_back(found(version + " is being built" + (why.empty() ? std::string() : ": " + why) +
                        " (sluice model list)"));
}

void look_at_verify(const json::object& model, const std::string& name, std::vector<Finding>& out) {
  const json::object* verify = object_at(model, "verify");
  if (verify == nullptr) return;
  const std::uint64_t differences = number_at(*verify, "differences");
  if (differences != 0)
    out.push_back(failed(name + " differs from its events in " +
                             count(differences, "cell", "cells") + " as of " +
                             words_at(*verify, "at"),
                         "sluice model verify " + name + " names them; sluice model rebuild " +
                             name + " builds it anew beside."));
}

}  // namespace

Finding finding_of_unready(const std::string& url, std::string_view answer) {
  std::string reasons;
  std::string first;
  for (const std::string_view line : core::split(answer, '\n')) {
    if (line.empty() || line == "not ready") continue;
    const std::size_t colon = line.find(": ");  // after the model's name
    if (first.empty()) first = line.substr(colon == std::string_view::npos ? 0 : colon + 2);
    reasons += (reasons.empty() ? "" : "; ") + std::string(line);
  }
  return warn(
      "it answers at " + url + ", and says: not ready" + (reasons.empty() ? "" : ": " + reasons),
      first.empty() || first == "connecting"
          ? "It connects: ask again in a few seconds. Else the checks of NATS above say why."
          : remedy_of(first));
}

bool may_be_stuck(const json::object& models) {
  for (const json::object* model : objects_at(models, "models"))
    for (const json::object* shard : objects_at(*model, "shards"))
      if (const std::string state = text_at(*shard, "state");
          state != "elsewhere" && state != "blocked" && text_at(*shard, "last_error").empty() &&
          number_at(*shard, "lag") > 0 && number_at(*shard, "moved_s_ago") > 0)
        return true;
  return false;
}

std::vector<Finding> findings_of_models(const json::object& models) {
  std::vector<Finding> out;
  for (const json::object* away : objects_at(models, "away"))
    out.push_back(failed("the database of " + words_at(*away, "model") +
                             " does not answer: " + words_at(*away, "why"),
                         "Is PostgreSQL running, and does [hub] postgres name it? The other models "
                         "go on, and this one by itself when it is back."));
  for (const json::object* model : objects_at(models, "models")) {
    const std::size_t before = out.size();
    const std::string name = words_at(*model, "model");
    look_at_shards(*model, name, out);
    look_at_versions(*model, name, out);
    look_at_verify(*model, name, out);
    if (const std::uint64_t old = number_at(*model, "figures_s_ago"); old >= kOldFiguresS)
      out.push_back(warn("the database of " + name + " has told nothing for " +
                             with_thousands(old) + " s: its figures are so old",
                         "It is locked, away or very busy. Nothing is lost: the model goes on by "
                         "itself where it stopped."));
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
                          words_at(*model, "state") + ", " +
                          count(number_at(*model, "applied"), "event", "events") + " applied"));
  }
  return out;
}

std::vector<Finding> findings_of_holds(const json::object& holds, const json::object& gateways) {
  std::vector<Finding> out;
  for (const json::object* hold : objects_at(holds, "holds")) {
    const std::string gateway = words_at(*hold, "gateway");
    const std::string lane = words_at(*hold, "lane");
    std::string is;
    for (const json::object* one : objects_at(gateways, "gateways"))
      if (words_at(*one, "gateway") == gateway) is = words_at(*one, "state");
    const std::string words =
        words_at(*hold, "model") + ": " +
        count(number_at(*hold, "held"), "event waits", "events wait") + " for seq " +
        words_at(*hold, "from") + " to " + words_at(*hold, "to") + " of lane " + lane + " of " +
        gateway + ", epoch " + words_at(*hold, "epoch") + ", since " + words_at(*hold, "since");
    if (number_at(*hold, "age_s") < kHoldAlarmS) {
      out.push_back(found(words + "; the gateway has been asked for it"));
      continue;
    }
    const std::string skip = "sluice holds skip --gateway-id " + gateway + " --epoch " +
                             words_at(*hold, "epoch") + " --lane " + lane + " --to " +
                             words_at(*hold, "to") + " --reason '...' gives them up";
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

}  // namespace sluice::cli
