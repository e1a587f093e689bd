// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// What it takes to build a model elsewhere. GET /v1/definitions/{model}: the model file of the
// serving version; GET /v1/definitions/{model}/decisions: what operators decided about its events.
void add_definitions_api(Routes& routes, const ModelShelf& models);

}  // namespace sluice::hub
