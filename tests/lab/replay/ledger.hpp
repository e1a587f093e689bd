// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/types.hpp"

// What a lane was asked for and what it promised, and when: times are counts of file operations.
namespace sluice::lab {

inline constexpr std::size_t kNever = SIZE_MAX;

struct Ledger {
  struct Append {
    storage::AppendRequest request;  // every event has an id
    std::size_t begun = 0;
    std::size_t answered = kNever;             // with success
    std::vector<storage::Appended> positions;  // in the answer
    bool acked_at(std::size_t time) const { return answered <= time; }
    bool begun_at(std::size_t time) const { return begun <= time; }
  };
  // A value that holds from `done` on, and may be there from `begun` on.
  struct Mark {
    std::size_t begun = 0;
    std::size_t done = kNever;
    core::Seq value = 0;
    bool or_below = false;  // so is any lower value (a rewind goes to whatever anchor is left)
    bool is_ack = false;    // the hub has all up to the value
  };
  struct Aside {
    storage::SetAside range;
    std::size_t done = kNever;
  };

  std::vector<Append> appends;
  std::vector<Mark> cursors;  // the acked cursor
  std::vector<Mark> floors;   // the first retained seq that trimming may leave
  std::vector<Aside> set_aside;

  std::uint64_t acked_events(std::size_t time) const {
    std::uint64_t count = 0;
    for (const Append& append : appends)
      if (append.acked_at(time)) count += append.request.events.size();
    return count;
  }
};

// The ledger of a second run, which began on what a fault at `time` left of the first and whose own
// promises are `second` (its times counted from the start of that run).
Ledger carry_over(const Ledger& first, std::size_t time, const Ledger& second);

}  // namespace sluice::lab
