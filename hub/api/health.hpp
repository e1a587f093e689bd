// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"
#include "hub/workers/lease_keeper.hpp"

namespace sluice::hub {

// GET /healthz, GET /readyz.
void add_health_api(Routes& routes, const ModelShelf& models, const LeaseKeeper* leases);

}  // namespace sluice::hub
