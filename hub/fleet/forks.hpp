// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/fleet/report_keeper.hpp"
#include "projection/engine/branches.hpp"

namespace sluice::hub {

// A gateway's log that came apart, in words for people.
struct Fork {
  enum class Kind {
    kLostTail,  // the newest events of an epoch are here, and were gone at the gateway's next start
    kOldCopy,   // an older state of the log runs again: two epochs follow the same one
    kClone,     // two machines report under one name
  };
  Kind kind = Kind::kLostTail;
  std::string gateway;
  core::Epoch epoch;         // that began where it should not; none for a clone that no epoch shows
  core::Epoch previous;      // that it follows
  std::uint64_t events = 0;  // of `previous`: here, but not in the log that opened `epoch`
  std::int64_t since_ns = 0;
  std::string words;  // what happened
  std::string to_do;  // what to do now
};
const char* fork_word(Fork::Kind kind);  // "lost_tail", "old_copy", "clone"

// What the epochs (`branches`, of any model, lanes in any order) and the reports tell of one
// gateway, the newest first, at most kForksMax. Pure.
inline constexpr std::size_t kForksMax = 16;
std::vector<Fork> forks_of(const std::string& gateway,
                           const std::vector<projection::Branch>& branches,
                           const ReportKeeper::Gateway* report);

}  // namespace sluice::hub
