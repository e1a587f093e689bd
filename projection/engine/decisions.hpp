// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/decision.hpp"

namespace sluice::projection {

// _sluice_settled: what operators decided about parked events. What waits for its event or its
// place is in memory too. Within the caller's transaction; after a rollback, or where others write
// as well, reload().
class Decisions {
 public:
  explicit Decisions(Target& target) : target_(target) {}

  core::Result<void> reload();
  // All of them, in the order in which they were taken.
  static core::Result<std::vector<Decision>> read(Target& target);

  bool any() const { return !waiting_.empty(); }
  // The one that waits for this event; nullptr: none.
  const Decision* waits_for(const core::EventView& event) const;
  // The event is parked now, and nothing of its stream before it.
  void arm(const core::EventView& event);
  // Those that are armed, in the order in which they were taken.
  std::vector<Decision> armed() const;
  // It cannot be carried out as things are.
  void disarm(const core::Identity& event);
  // The earliest places of those that are armed in this lane, each epoch once.
  using Places = std::map<core::Epoch, core::Seq>;
  const Places* places(std::string_view gateway, core::Lane lane) const;
  using Lane = std::pair<std::string, core::Lane>;
  const std::map<Lane, Places>& places() const { return places_; }

  // Whether what was decided about this event is carried out; nullopt: nothing was decided.
  core::Result<std::optional<bool>> done(const core::Identity& event);
  // Keeps it. One that waited for the same event is overwritten.
  core::Result<void> note(const Decision& decision);

 private:
  struct Waiting {
    std::int64_t id = 0;
    Decision decision;
    bool armed = false;
  };
  void look_for_places();

  Target& target_;
  std::unordered_map<std::string, Waiting> waiting_;  // by the event's identity
  std::unordered_set<core::Seq> seqs_;                // of these: a quick no for all others
  std::map<Lane, Places> places_;
};

}  // namespace sluice::projection
