// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/finding.hpp"
#include "core/json.hpp"

// What the answers of sluice-hub (docs/hub-api.md) mean, in words with the next step. Pure. A field
// that is not there says nothing.
namespace sluice::cli {

std::vector<Finding> findings_of_models(const core::json::object& models);   // /v1/models
std::vector<Finding> findings_of_holds(const core::json::object& holds,      // /v1/holds
                                       const core::json::object& gateways);  // /v1/gateways
// The answer of /readyz while it is none of "ready".
Finding finding_of_unready(const std::string& url, std::string_view answer);
// A model in /v1/models stands still without a reason: it may wait for a lock, and say so soon.
bool may_be_stuck(const core::json::object& models);

// What doctor knows of the clocks and ways by which the hub judges its gateways.
struct Surroundings {
  bool nats_answers = true;                      // doctor too, with the hub's own login
  std::optional<std::int64_t> hub_ahead_s = {};  // sluice-hub's clock before the NATS server's
};
// /v1/gateways. NATS dates the reports and sluice-hub counts how old they are: where their clocks
// differ, no gateway is blamed for it. fleet_findings.cpp
std::vector<Finding> findings_of_gateways(const core::json::object& gateways,
                                          const Surroundings& around = {});
// sluice-hub's clock, or that of `whose` machine, against the NATS server's.
Finding finding_of_clock(const std::string& whose, std::int64_t ahead_s);

}  // namespace sluice::cli
