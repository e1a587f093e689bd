// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/doctor_road.hpp"
#include "cli/finding.hpp"
#include "hub/settings/hub_settings.hpp"

// The checks of `sluice doctor hub`: from the configuration of sluice-hub to what it serves. They
// change nothing, and work beside a running sluice-hub or without one.
namespace sluice::cli {

// What the checks learn for one another, in the order in which they run.
struct Centre {
  std::string config_file;
  std::string api_url;  // empty: where the configuration says that sluice-hub listens
  std::optional<hub::HubSettings> settings = {};
  std::optional<HubRoad> road = {};
  bool api_answers = false;
  std::optional<std::int64_t> hub_ahead_s = {};  // sluice-hub's clock before the NATS server's

  nats::Connection* nats() const { return road ? road->connection.get() : nullptr; }
};

using Findings = std::vector<Finding>;

// doctor_centre.cpp
Findings check_hub_config(Centre& centre);
Findings check_model_files(Centre& centre);
Findings check_hub_state(Centre& centre);
// doctor_centre_nats.cpp
Findings check_hub_streams(Centre& centre);
Findings check_hub_rights(Centre& centre);
// doctor_centre_api.cpp
Findings check_hub_api(Centre& centre);
Findings check_hub_clock(Centre& centre);
Findings check_models(Centre& centre);
Findings check_holds(Centre& centre);
Findings check_gateways(Centre& centre);

}  // namespace sluice::cli
