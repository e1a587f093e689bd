// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cli/finding.hpp"
#include "core/json.hpp"

// What the answers of sluice-hub (docs/hub-api.md) mean, in words with the next step. Pure. A field
// that is not there says nothing.
namespace sluice::cli {

std::vector<Finding> findings_of_models(const core::json::object& models);      // /v1/models
std::vector<Finding> findings_of_holds(const core::json::object& holds,         // /v1/holds
                                       const core::json::object& gateways);     // /v1/gateways
std::vector<Finding> findings_of_gateways(const core::json::object& gateways);  // /v1/gateways

}  // namespace sluice::cli
