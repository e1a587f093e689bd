// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "hub/fleet/report_keeper.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// GET /v1/events/{event}: one event's way from its gateway through the hub stream into each model.
// Searching takes seconds on a big hub stream, so there is one search at a time.
struct TrailApi {
  const ModelShelf& models;
  const ReportKeeper& reports;
  std::vector<std::string> shards;
  nats::ConnectionOptions connection;
  const core::Clock& clock;
};
void add_trail_api(Routes& routes, const TrailApi& parts);

}  // namespace sluice::hub
