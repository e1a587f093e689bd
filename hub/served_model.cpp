// SPDX-License-Identifier: Apache-2.0
#include "hub/served_model.hpp"

#include <algorithm>

namespace sluice::hub {

const ServedModel* find_model(const std::vector<ServedModel>& models, std::string_view name) {
  for (const ServedModel& model : models)
    if (model.host->name() == name) return &model;
  return nullptr;
}

Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock) {
  const std::uint64_t now = clock.monotonic_ns();
  return {status.connected, status.position, std::max(status.hub_last, status.position),
          now > status.moved_ns ? now - status.moved_ns : 0, blocked};
}

double lag_seconds(const FeedStatus& status, const core::Clock& clock) {
  if (status.hub_last <= status.position || status.stored_ns == 0) return 0;
  return std::max(0.0, static_cast<double>(clock.wall_ns() - status.stored_ns) / 1e9);
}

}  // namespace sluice::hub
