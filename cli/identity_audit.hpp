// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"

namespace sluice::cli {

// Compares what three places hold of one gateway, event by event: its log, the hub stream, and a
// read model that counts each event's effect. Nothing is inferred from sums: every event of the log
// is looked up by its identity at the hub and by its id in the model. Pure; one thread.
class IdentityAudit {
 public:
  // An event of the log. Sluice's own are compared with the hub stream but not counted: no model
  // has effects of them.
  void in_log(const core::EventView& event);
  // A message of the hub stream of this gateway, by its Nats-Msg-Id (Identity::text()).
  void at_hub(const std::string& identity, bool reserved);
  // The model's row of one event: how often it took effect.
  void applied(const std::string& event_id, std::uint64_t times);

  struct Figures {
    std::uint64_t appended = 0;    // events in the log
    std::uint64_t stored = 0;      // distinct events of the log found at the hub
    std::uint64_t applied = 0;     // distinct events of the log found in the model
    std::uint64_t missing = 0;     // in the log, but not at the hub or (if asked) not in the model
    std::uint64_t duplicated = 0;  // second and further copies at the hub, and further effects
    std::uint64_t foreign = 0;     // at the hub or in the model, but not in the log
    std::vector<std::string> examples;  // identities of the first few that are wrong, with a word
    bool agrees() const { return missing == 0 && duplicated == 0 && foreign == 0; }
  };
  Figures figures(bool with_model) const;

 private:
  struct Seen {
    std::string id;
    bool reserved = false;
    bool logged = false;
    std::uint64_t copies = 0;
  };
  std::unordered_map<std::string, Seen> by_identity_;
  std::unordered_map<std::string, std::uint64_t> effects_;  // by event id
};

}  // namespace sluice::cli
