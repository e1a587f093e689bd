// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/lease_keeper.hpp"
#include "hub/model_shelf.hpp"
#include "hub/routes.hpp"

namespace sluice::hub {

// GET /healthz, GET /readyz.
void add_health_api(Routes& routes, const ModelShelf& models, const LeaseKeeper* leases);

}  // namespace sluice::hub
