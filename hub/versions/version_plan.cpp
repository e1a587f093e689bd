// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/version_plan.hpp"

#include <algorithm>
#include <utility>

namespace sluice::hub {
namespace {

std::string version_words(std::int64_t version) {
  return "version " + std::to_string(version);
}

// The newest database of this version of the definition.
const VersionRecord* newest_of(const VersionBook& book, std::int64_t version) {
  const VersionRecord* found = nullptr;
  for (const VersionRecord& record : book.versions)
    if (record.id.version == version && (found == nullptr || record.id > found->id))
      found = &record;
  return found;
}

const std::string* fingerprint_of(const std::map<VersionId, std::string>& fingerprints,
                                  const VersionId& id) {
  const auto found = fingerprints.find(id);
  return found == fingerprints.end() ? nullptr : &found->second;
}

std::string edited(std::int64_t version) {
  return "the definition has changed, but it still says " + version_words(version) +
         ", of which there is a database: raise its version, and it is built anew beside";
}

}  // namespace

Plan plan_definition(const VersionBook& book, const std::optional<WantedDefinition>& file,
                     const std::map<VersionId, std::string>& fingerprints) {
  Plan plan;
  if (!file) return plan;
  const VersionRecord* serving = book.serving();
  const VersionRecord* coming = book.coming();
  if (serving == nullptr) {
    plan.step = PlanStep::kServeFirst;
    plan.id = book.next(file->version);
    return plan;
  }
  const VersionRecord* known = newest_of(book, file->version);
  const bool same = known != nullptr && [&] {
    const std::string* print = fingerprint_of(fingerprints, known->id);
    return print == nullptr || *print == file->fingerprint;
  }();
  // Never served, so nobody has read of it: it may be edited as it stands.
  const bool is_building = known != nullptr && known->state == VersionState::kBuilding;

  if (file->version < serving->id.version) {
    plan.problem = "the file has " + version_words(file->version) + ", " +
                   version_words(serving->id.version) +
                   " is served: to go back, use `sluice model rollback`";
    return plan;
  }
  if (known != nullptr && !is_building) {
    if (!same) plan.problem = edited(file->version);
    // The file has gone back to what is served: what it said in between is no longer wanted.
    if (same && known->id == serving->id && coming != nullptr &&
        coming->state == VersionState::kBuilding && coming->id.version > serving->id.version)
      plan.abandon = coming->id;
    return plan;
  }
  if (is_building && same) return plan;
  if (!is_building && file->version <= book.taken) {
    plan.problem = version_words(file->version) +
                   " was taken before, and its database was dropped: raise the version";
    return plan;
  }
  if (coming != nullptr && coming->state == VersionState::kReturning) {
    plan.problem = version_words(coming->id.version) +
                   " returns just now: the file is taken at the next reload after that";
    return plan;
  }
  plan.step = PlanStep::kBuild;
  plan.id = book.next(file->version);
  if (coming != nullptr) plan.abandon = coming->id;
  return plan;
}

std::string_view build_state_word(BuildState state) {
  switch (state) {
    case BuildState::kReading:
      return "reading";
    case BuildState::kVerifying:
      return "verifying";
    case BuildState::kReady:
      return "switching";
    case BuildState::kWaiting:
      return "waiting";
    case BuildState::kRefused:
      return "refused";
  }
  return "waiting";
}

std::optional<BuildVerdict> judge_overtaken(const BuildFacts& facts) {
  if (facts.overtaken.empty() || (facts.returning && facts.accepted)) return std::nullopt;
  const std::string why = "event " + facts.overtaken +
                          " was given up in the serving version after it had its effect here: "
                          "`sluice model rebuild NAME --reason TEXT` builds it anew without";
  if (!facts.returning) return BuildVerdict{BuildState::kRefused, why};
  return BuildVerdict{BuildState::kWaiting, why + " (with --accept it returns as it is)"};
}

bool can_be_replaced(const BuildVerdict& verdict, const BuildFacts& facts) {
  return verdict.state == BuildState::kRefused || verdict.state == BuildState::kWaiting ||
         judge_overtaken(facts).has_value();
}

BuildVerdict judge_build(const BuildFacts& facts) {
  if (!facts.refused.empty()) return {BuildState::kRefused, facts.refused};
  if (!facts.connected) return {BuildState::kReading, facts.feed_error};
  if (facts.left >= kCaughtUp) return {BuildState::kReading, {}};
  if (facts.holes > 0)
    return {BuildState::kWaiting, "it waits for events behind " + std::to_string(facts.holes) +
                                      " holes that the serving version does not have: "
                                      "see `sluice holds list`"};
  if (facts.deciding > 0)
    return {BuildState::kReading, std::to_string(facts.deciding) +
                                      " parked events wait for the place at which operators "
                                      "decided about them"};
  if (auto verdict = judge_overtaken(facts)) return std::move(*verdict);
  // A version that served before was judged then.
  if (facts.returning) return {BuildState::kReady, {}};
  if ((facts.parked > facts.serving_parked || facts.others > 0) && !facts.accepted)
    return {BuildState::kWaiting,
            "it parks " + std::to_string(facts.parked) +
                (facts.parked == 1 ? " event" : " events") + ", the serving version " +
                std::to_string(facts.serving_parked) +
                (facts.others > 0 ? ", and not the same" : "") +
                ": mend the definition and raise its version, or accept it with "
                "`sluice model rebuild NAME --accept --reason TEXT`"};
  switch (facts.check) {
    case BuildFacts::Check::kUnknown:
      return {BuildState::kVerifying, facts.check_words};
    case BuildFacts::Check::kDiffers:
      return {BuildState::kRefused, "the sample check found a difference: " + facts.check_words};
    case BuildFacts::Check::kNone:
    case BuildFacts::Check::kGood:
      break;
  }
  return {BuildState::kReady, {}};
}

std::string behind(const std::vector<LanePoint>& from, const std::vector<LanePoint>& to,
                   bool whole) {
  for (const LanePoint& lane : from) {
    const auto other = std::find_if(to.begin(), to.end(),
                                    [&](const LanePoint& one) { return one.lane == lane.lane; });
    const bool known = other != to.end();
    const bool less = known && other->epoch == lane.epoch && other->next < lane.next;
    const bool lacks =
        !known || other->epochs < lane.epochs || (lane.next != 0 && other->next == 0);
    if (less || (whole && lacks))
      return "lane " + lane.lane + " is further in the serving version: next seq " +
             std::to_string(lane.next) + " of epoch " + lane.epoch + ", here " +
             (!known ? std::string("none")
                     : std::to_string(other->next) + " of epoch " + other->epoch);
  }
  return {};
}

}  // namespace sluice::hub
