// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

struct KnownState {
  std::shared_ptr<ModelVersion> version;
  StateBoard::Said state;
};

// What each says of itself; all are waited for together, at most StateBoard::kPatience. Any thread.
std::vector<KnownState> known_states(const ModelShelf::Versions& versions);

}  // namespace sluice::hub
