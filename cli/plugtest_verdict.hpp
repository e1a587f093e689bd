// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/plugtest_record.hpp"

// What a plugtest's record and what is left say when they are laid side by side. Pure.
namespace sluice::cli {

// An event of the round's stream as the log (or the hub) has it, in its order.
struct Kept {
  core::Uuid id;
  std::uint64_t n = 0;
  core::Epoch epoch;
  core::Seq seq = 0;
};

// What ended a round, as the log itself tells it: the start that follows its last event.
enum class Ending {
  kNone,     // the gateway has not started anew since: nothing was tested
  kRestart,  // it did, on the same boot of the machine: a killed process
  kReboot,   // the machine booted: a pulled plug, or an orderly reboot
};

struct RoundVerdict {
  std::string name;
  Ending ending = Ending::kNone;
  std::uint64_t noted = 0;
  std::uint64_t kept = 0;          // events of its stream in the log, noted or not
  std::uint64_t lost = 0;          // noted, and not in the log
  std::uint64_t doubled = 0;       // further copies of an event in the log
  std::uint64_t out_of_order = 0;  // elsewhere than acknowledged, or before an earlier one
  std::uint64_t first_lost = 0;    // its n; 0: none
  bool good() const { return lost + doubled + out_of_order == 0; }
};

RoundVerdict judge_round(const Round& round, const std::vector<Kept>& kept, Ending ending);

struct HubVerdict {
  std::uint64_t missing = 0;  // noted, and not at the hub (yet)
  std::uint64_t copies = 0;   // stored again under the same identity: consumers skip those
  std::uint64_t doubled = 0;  // under another identity: would take effect twice
};
// `at_hub`: by identity (epoch and seq), of one round.
HubVerdict judge_hub(const Round& round, const std::vector<Kept>& at_hub);

// What to conclude, in a sentence or two for a person who holds a card in the hand.
std::string conclusion(const std::vector<RoundVerdict>& rounds, const HubVerdict* hub);

// Every round is good, at least one was ended by a start, and nothing is missing at the hub.
bool passed(const std::vector<RoundVerdict>& rounds, const HubVerdict* hub);

}  // namespace sluice::cli
