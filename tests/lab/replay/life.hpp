// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/random.hpp"
#include "tests/lab/replay/lane_driver.hpp"

namespace sluice::lab {

// A lane's whole life in short, by a program that takes errors as a gateway does: what is refused
// is tried again later with the same ids, a log that stopped is started again, and where that fails
// too, it ends. Passes through every file operation that storage knows: first start, group commit,
// seal, acks, trim, rewind, a range set aside, a big event, an end in peace, a start over an old
// log.
class Life {
 public:
  Life(LaneDriver& lane, std::uint64_t seed) : lane_(lane), random_(seed) {}
  void live();
  // The log stopped or did not open at least once.
  bool troubled() const { return troubled_; }

 private:
  bool start();
  void append(std::size_t appends, std::size_t bytes = 60);
  // A step's result; starts the log again after an error.
  void took(const core::Result<void>& done);

  LaneDriver& lane_;
  core::SeededRandom random_;
  std::vector<storage::AppendRequest> waiting_;  // not acknowledged yet
  bool troubled_ = false;
};

}  // namespace sluice::lab
