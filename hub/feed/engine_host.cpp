// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/engine_host.hpp"

#include <algorithm>

namespace sluice::hub {

using core::Result;

Result<EngineHost::Missing> EngineHost::missing(std::string_view shard) {
  const auto holes =
      with_engine([](projection::Engine& engine) { return engine.holes(kHolesMax); });
  if (!holes) return holes.error();
  Missing out;
  const std::lock_guard lock(shards_mutex_);
  for (const projection::Hole& hole : *holes) {
    const auto known = shard_of_.find(hole.gateway);
    if (known != shard_of_.end() && known->second != shard) continue;
    out.since_ns = out.ranges.empty() ? hole.since_ns : std::min(out.since_ns, hole.since_ns);
    out.ranges.push_back({hole.gateway, hole.epoch, hole.lane, hole.from, hole.to});
  }
  return out;
}

void EngineHost::saw_gateway(std::string_view gateway, std::string_view shard) {
  const std::lock_guard lock(shards_mutex_);
  shard_of_.insert_or_assign(std::string(gateway), std::string(shard));
}

}  // namespace sluice::hub
