// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/metrics/metrics.hpp"
#include "hub/routes/routes.hpp"
#include "hub/workers/lease_keeper.hpp"

namespace sluice::hub {

// GET /v1/workers: who of this hub's workers lives, and who reads which shard. `keeper`: null
// without workers; the lists are then empty.
void add_workers_api(Routes& routes, const LeaseKeeper* keeper);
MetricsGroup worker_metrics(const LeaseKeeper* keeper);

}  // namespace sluice::hub
