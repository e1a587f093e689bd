// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "storage/types.hpp"

namespace sluice::gateway {

// Appends of lanes with ack = "hub" that are on the disk and wait for the hub: each is answered
// when the lane's cursor has passed its last event, or in words when its time is over. An event
// that a gap record replaced is never confirmed, although the cursor passes it. Pure; one thread.
class HubWait {
 public:
  using Answer = std::function<void(core::Result<void>)>;

  // [from, to]: the append's seqs. Answers at once if the hub has them. Times are monotonic ns.
  void add(core::Lane lane, core::Seq from, core::Seq to, std::uint64_t deadline_ns, Answer answer);
  // The hub has everything of the lane up to here; lower than before after a rewind.
  void cursor(core::Lane lane, core::Seq acked);
  // A gap record will stand for [from, to].
  void set_aside(core::Lane lane, const storage::SetAside& range);
  // Answers those whose time is over: kUnavailable, "stored, ... send it again".
  void expire(std::uint64_t now_ns);
  // Answers all of them so: the program ends.
  void give_up();
  std::size_t waiting() const;

  static constexpr std::size_t kRangesMax = 1024;  // remembered of a lane; the oldest go first

 private:
  struct Waiter {
    core::Seq from = 0;
    std::uint64_t deadline_ns = 0;
    Answer answer;
  };
  struct LaneWait {
    core::Seq acked = 0;
    std::multimap<core::Seq, Waiter> waiters;  // by their last seq
    std::map<core::Seq, core::Seq> aside;      // from -> to
  };
  core::Result<void> verdict(const LaneWait& lane, core::Seq from, core::Seq to) const;
  std::array<LaneWait, core::kLaneCount> lanes_;
};

}  // namespace sluice::gateway
