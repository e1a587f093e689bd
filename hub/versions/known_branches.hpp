// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "hub/versions/known_states.hpp"
#include "projection/engine/branches.hpp"

namespace sluice::hub {

// Where gateways' logs came apart, as the gates of these models show it: each once.
std::vector<projection::Branch> known_branches(const std::vector<KnownState>& models);

}  // namespace sluice::hub
