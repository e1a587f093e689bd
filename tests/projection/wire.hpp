// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "tests/projection/events.hpp"

// What gateways send, and what links, restarts and repairs make of its order before it is read.
namespace sluice::test {

struct LaneHistory {
  std::vector<Message> sent;  // in the lane's order: epochs, events, gap records for what it lost
  std::vector<Message> late;  // events of ranges that were given up, from an old card say
  // Where in `sent` an epoch begins below what the hub has of its predecessor: nothing of before is
  // sent for the first time behind that.
  std::vector<std::size_t> lost_tails;
};

using EventMaker = std::function<Message(const LaneMaker&, core::Seq, core::Random&)>;
// Of type Reading with {"k": seq}, of four entities, at times in any order.
Message any_reading(const LaneMaker& maker, core::Seq seq, core::Random& random);
LaneHistory lane_history(const std::string& gateway, core::Lane lane, std::uint64_t salt,
                         core::Random& random, std::size_t events,
                         const EventMaker& make = any_reading);

// Go-back-N: windows with refusals in their middle, each followed by a re-send from the lowest
// refused or from further back.
std::vector<Message> as_sent(const LaneHistory& history, core::Random& random);
// The same, with two copies more of each message anywhere behind it, and at last what came late,
// three times as well.
std::vector<Message> as_sent_thrice(const LaneHistory& history, core::Random& random);

// Each lane in its order, in runs.
void merge(std::vector<std::vector<Message>> lanes, core::Random& random, Feed& feed);

}  // namespace sluice::test
