// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/fleet/report_keeper.hpp"
#include "hub/fleet/report_watch.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/gateways: the fleet, from the gateways' reports. GET /v1/gateways/{gateway}: one, with
// how far each model is in its lanes.
struct GatewaysApi {
  const ModelShelf& models;
  const ReportKeeper& reports;
  const ReportWatch& watch;
  const core::Clock& clock;
};
void add_gateways_api(Routes& routes, const GatewaysApi& parts);

// Events in its log that the hub has not acknowledged.
std::uint64_t backlog_of(const codec::Report& report);

}  // namespace sluice::hub
