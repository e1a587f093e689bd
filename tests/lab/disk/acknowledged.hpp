// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ids.hpp"

namespace sluice::test {

// What a device was told: this event is stored, there.
struct Acknowledged {
  core::Uuid id;
  std::string lane;
  std::string epoch;
  std::uint64_t seq = 0;
  bool before_cut = true;  // the answer came while there was power
};

// What a store has, in the order in which it has it. A store without lanes leaves them empty.
struct Found {
  core::Uuid id;
  std::string lane;
  std::string epoch;
  std::uint64_t seq = 0;
};

struct Comparison {
  std::uint64_t acked = 0;
  std::uint64_t lost = 0;          // acknowledged before the cut, and not there
  std::uint64_t lost_late = 0;     // acknowledged after it, and not there
  std::uint64_t doubled = 0;       // further copies, acknowledged or not
  std::uint64_t out_of_order = 0;  // elsewhere than said, or before what was acknowledged earlier
  std::string example;             // the first that is wrong, in words
};

// `acked`: one list for each device, in the order in which it sent. Pure.
Comparison compare(const std::vector<std::vector<Acknowledged>>& acked,
                   const std::vector<Found>& found);

}  // namespace sluice::test
