// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "hub/workers/lease_keeper.hpp"

namespace sluice::hub {

// Which shards another worker reads, as the bucket of leases shows it now: this worker's feeds of
// them rest, and are neither stalled nor behind. Empty without workers, and while the bucket cannot
// be read. One thread.
class Elsewhere {
 public:
  explicit Elsewhere(const LeaseKeeper* leases) {
    if (leases == nullptr) return;
    const LeaseKeeper::View view = leases->view();
    if (!view.last_error.empty()) return;
    for (const auto& [shard, one] : view.shards)
      if (!one.owner.empty() && !one.here) shards_.insert(shard);
  }
  bool has(const std::string& shard) const { return shards_.contains(shard); }

 private:
  std::set<std::string> shards_;
};

}  // namespace sluice::hub
