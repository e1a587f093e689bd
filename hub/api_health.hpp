// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/model_shelf.hpp"
#include "hub/routes.hpp"

namespace sluice::hub {

// GET /healthz, GET /readyz.
void add_health_api(Routes& routes, const ModelShelf& models);

}  // namespace sluice::hub
