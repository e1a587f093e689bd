// SPDX-License-Identifier: Apache-2.0
#include "hub/model_host.hpp"

#include <algorithm>

namespace sluice::hub {

using core::Result;

Result<std::unique_ptr<ModelHost>> ModelHost::open(std::shared_ptr<const projection::Model> model,
                                                   const std::filesystem::path& state,
                                                   const core::Clock& clock, core::Logger& log) {
  const auto file = state / model->database_name();
  auto engine = projection::Engine::open(model, file, clock, log);
  if (!engine) return engine.error();
  auto query = projection::Query::open(model, file);
  if (!query) return query.error();
  return std::unique_ptr<ModelHost>(
      new ModelHost(std::move(model), std::move(*engine), std::move(*query)));
}

Result<projection::QueryPage> ModelHost::run(const projection::QueryRequest& request,
                                             std::chrono::milliseconds deadline) {
  const std::lock_guard lock(query_mutex_);
  return query_->run(request, deadline);
}

Result<ModelHost::Missing> ModelHost::missing(std::string_view shard) {
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

void ModelHost::saw_gateway(std::string_view gateway, std::string_view shard) {
  const std::lock_guard lock(shards_mutex_);
  shard_of_.insert_or_assign(std::string(gateway), std::string(shard));
}

}  // namespace sluice::hub
