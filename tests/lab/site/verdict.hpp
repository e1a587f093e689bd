// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "tests/support/lab_report.hpp"

// What became of acknowledged events: a pure comparison, and the reading of a read model for it.
namespace sluice::test {

// One event as its gateway acknowledged it. Events come in pairs within a stream: `turn` names the
// pair, and the second of a pair takes effect only upon the first (`kLabModel`).
struct Acked {
  std::string id;
  std::string turn;
  bool is_second = false;
  std::uint64_t version = 0;  // in its stream
};

// The read model as it is. Both by the event's own words, never by the gateway's positions.
struct Effects {
  std::map<std::string, std::int64_t> of_event;  // id -> how often
  struct Turn {
    std::int64_t first = 0;
    std::int64_t second = 0;
  };
  std::map<std::string, Turn> of_turn;
};

// A model named `lab`: table `effects` counts per event id; in table `turns` the first event of a
// pair makes the row and the second only changes it, so that a second which took effect before its
// first is seen for ever.
extern const char* const kLabModel;

// Fills acked, lost (no effect), doubled (several) and out_of_order (pairs whose second came first,
// though their versions were acknowledged in order). `runs` and `fault` are the caller's.
LabRow compare(const std::vector<Acked>& acked, const Effects& effects);

// Reads the model over sluice-hub's API. kUnavailable and the like while it does not answer.
core::Result<Effects> read_effects(const std::string& hub_url);

}  // namespace sluice::test
