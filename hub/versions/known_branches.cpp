// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/known_branches.hpp"

#include <algorithm>

namespace sluice::hub {

std::vector<projection::Branch> known_branches(const std::vector<KnownState>& models) {
  std::vector<projection::Branch> all;
  for (const KnownState& model : models) {
    if (!model.state) continue;  // a database that cannot be read is said by its model
    for (const projection::Branch& branch : (*model.state)->branches) {
      // Several models read the same lanes, and one may be behind another.
      const auto known = std::find_if(all.begin(), all.end(), [&](const projection::Branch& other) {
        return other.gateway == branch.gateway && other.lane == branch.lane &&
               other.epoch == branch.epoch;
      });
      if (known == all.end())
        all.push_back(branch);
      else if (known->hub_last < branch.hub_last)
        *known = branch;
    }
  }
  return all;
}

}  // namespace sluice::hub
