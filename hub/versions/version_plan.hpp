// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/versions/version_book.hpp"

// What is done with a model's versions. Pure: facts come in, a decision goes out.
//
//   absent -> building -> caught up -> verified -> serving -> kept -> dropped
//                                                     ^         |
//                                                     +-- returning (roll back)
namespace sluice::hub {

// The model file as it is now.
struct WantedDefinition {
  std::int64_t version = 0;
  std::string fingerprint;
};

enum class PlanStep : std::uint8_t {
  kStay,        // go on as the book says; `problem` may say what is wrong with the file
  kServeFirst,  // no version was ever built: `id` serves from its first event on
  kBuild,       // build `id` beside the serving one
};

struct Plan {
  PlanStep step = PlanStep::kStay;
  VersionId id;
  std::optional<VersionId> abandon;  // a version under construction that is no longer wanted
  std::string problem;               // empty: the file is what is served, or is being built
};

// At the start and at each reload. `file` is nullopt if the model file is broken: nothing changes
// then. `fingerprints`: of the versions in the book whose database says one.
Plan plan_definition(const VersionBook& book, const std::optional<WantedDefinition>& file,
                     const std::map<VersionId, std::string>& fingerprints);

// What is known of a version that is being built, or returns, beside the one that serves.
struct BuildFacts {
  bool returning = false;
  std::uint64_t left = 0;      // messages of its hub streams that it has not read
  bool connected = false;      // to all of them
  std::string refused;         // why it can never be built as things are; empty: it can
  std::string feed_error;      // what stands in the way for now
  std::uint64_t holes = 0;     // that it waits behind and the serving version does not
  std::string overtaken;       // an event that had its effect and was given up since; empty: none
  std::uint64_t deciding = 0;  // parked events that a decision waits for, until its place comes
  std::uint64_t parked = 0;    // poison events, and those behind them
  std::uint64_t others = 0;    // poison events that the serving version has not parked
  std::uint64_t serving_parked = 0;
  enum class Check : std::uint8_t { kNone, kUnknown, kGood, kDiffers } check = Check::kUnknown;
  std::string check_words;  // what the sample check found, or why it could not be made
  bool accepted = false;    // an operator wants it in spite of what is parked, or overtaken
};

enum class BuildState : std::uint8_t {
  kReading,    // behind the end of a hub stream
  kVerifying,  // caught up: its sample is to be checked
  kReady,      // it may serve
  kWaiting,    // caught up, but something stands in the way: it is fed until that is gone
  kRefused,    // cannot serve: another definition, or a rebuild, must take its place
};
std::string_view build_state_word(BuildState state);  // "reading", "verifying", ...

struct BuildVerdict {
  BuildState state = BuildState::kReading;
  std::string why;  // kWaiting, kRefused: one sentence
};
// A version has caught up when fewer messages than this are left; the rest is read while the old
// one stands still for a moment.
inline constexpr std::uint64_t kCaughtUp = 1000;
BuildVerdict judge_build(const BuildFacts& facts);
// Its part about events that were given up after they had their effect; nullopt: nothing of it
// stands in the way.
std::optional<BuildVerdict> judge_overtaken(const BuildFacts& facts);
// Whether it does not get on by itself, so that an operator may have it built anew. Of `facts` only
// what judge_overtaken() reads.
bool can_be_replaced(const BuildVerdict& verdict, const BuildFacts& facts);

// Where one lane of a gateway stands in a model: the newest epoch's next seq.
struct LanePoint {
  std::string lane;  // for people: "plant-7 telemetry"
  std::string epoch;
  std::uint64_t epochs = 0;  // known of this lane
  std::uint64_t next = 0;    // 0: none applied yet
};
// Empty if `to` has everything that `from` has, so that readers never see less than before; else
// one sentence that names the first lane which is behind. Not `whole` (history = available): what
// the hub streams no longer have may be missing in `to`.
std::string behind(const std::vector<LanePoint>& from, const std::vector<LanePoint>& to,
                   bool whole);

}  // namespace sluice::hub
