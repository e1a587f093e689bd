// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "hub/model_feed.hpp"
#include "hub/model_host.hpp"

namespace sluice::hub {

// A model with what feeds it.
struct ServedModel {
  std::unique_ptr<ModelHost> host;
  std::vector<std::unique_ptr<ModelFeed>> feeds;  // one per shard; end before the host
};

// Null if there is none of that name.
const ServedModel* find_model(const std::vector<ServedModel>& models, std::string_view name);

// Where a feed stands now.
Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock);
// Seconds between now and when the hub stored what was read last; 0 when caught up.
double lag_seconds(const FeedStatus& status, const core::Clock& clock);

inline constexpr std::size_t kLanesMax = 10'000;  // of one model, in one answer

}  // namespace sluice::hub
