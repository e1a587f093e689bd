// SPDX-License-Identifier: Apache-2.0
#include "hub/branch_book.hpp"

#include <algorithm>

namespace sluice::hub {

std::vector<projection::Branch> BranchBook::all() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = clock_.monotonic_ns();
  if (read_ns_ != 0 && now - read_ns_ < kKeptNs) return branches_;
  std::vector<projection::Branch> all;
  for (const auto& model : models_.serving()) {
    auto found = model->with_engine(
        [](projection::Engine& engine) { return engine.branches(kBranchesMax); });
    if (!found) continue;  // a database that cannot be read is said by its model
    for (projection::Branch& branch : *found) {
      // Several models read the same lanes, and one may be behind another.
      const auto known = std::find_if(all.begin(), all.end(), [&](const projection::Branch& other) {
        return other.gateway == branch.gateway && other.lane == branch.lane &&
               other.epoch == branch.epoch;
      });
      if (known == all.end())
        all.push_back(std::move(branch));
      else if (known->hub_last < branch.hub_last)
        *known = std::move(branch);
    }
  }
  branches_ = std::move(all);
  read_ns_ = now;
  return branches_;
}

}  // namespace sluice::hub
