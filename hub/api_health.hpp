// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes.hpp"
#include "hub/served_model.hpp"

namespace sluice::hub {

// GET /healthz, GET /readyz.
void add_health_api(Routes& routes, const std::vector<ServedModel>& models);

}  // namespace sluice::hub
