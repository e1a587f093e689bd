// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/clock.hpp"
#include "hub/model_shelf.hpp"
#include "projection/branches.hpp"

namespace sluice::hub {

// Where gateways' logs came apart, as the models' gates show it. Finding them reads the whole of
// each gate, so what was found is kept for a few seconds. Any thread.
class BranchBook {
 public:
  BranchBook(const ModelShelf& models, const core::Clock& clock) : models_(models), clock_(clock) {}
  std::vector<projection::Branch> all();

 private:
  static constexpr std::size_t kBranchesMax = 1'000;       // of one model
  static constexpr std::uint64_t kKeptNs = 3'000'000'000;  // not read more often

  const ModelShelf& models_;
  const core::Clock& clock_;
  std::mutex mutex_;
  std::vector<projection::Branch> branches_;
  std::uint64_t read_ns_ = 0;  // when they were read; 0: never
};

}  // namespace sluice::hub
