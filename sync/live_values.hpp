// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"
#include "sync/effects.hpp"

namespace sluice::sync {

// The newest event of each stream of some categories, for whoever looks at a dashboard while the
// lane itself, in order, is hours behind. Nothing of it is stored, acknowledged or sent again; what
// is overtaken before its turn is never sent. Pure.
class LiveValues {
 public:
  static constexpr std::size_t kRowsPerLook = 1024;      // of a lane; older ones are passed over
  static constexpr std::size_t kStreamsMax = 4096;       // that wait; more are left out
  static constexpr std::uint64_t kBytesMax = 16 * 1024;  // per second

  struct Value {
    std::string category;
    std::string body;
  };

  explicit LiveValues(std::vector<std::string> categories) : categories_(std::move(categories)) {}
  bool is_wanted() const { return !categories_.empty(); }

  // Only what comes from now on is current.
  void begin(core::Lane lane, core::Seq last) { next_[core::index(lane)] = last + 1; }
  // Where to read a lane that ends at `last`; above `last`: there is nothing new.
  core::Seq look(core::Lane lane, core::Seq last);
  void row(core::Lane lane, core::Seq seq, const core::EventView& event, std::string_view body);

  // What may go now: those that have waited longest first, within an eighth of the link's rate
  // (bytes per second, 0: not known).
  std::vector<Value> take(Time passed, std::uint64_t link_rate);
  void clear();  // there is no link: what waits is no longer current when it is back

 private:
  std::vector<std::string> categories_;
  std::array<core::Seq, core::kLaneCount> next_{};
  std::unordered_map<std::string, Value> newest_;  // by stream
  std::deque<std::string> order_;
};

}  // namespace sluice::sync
