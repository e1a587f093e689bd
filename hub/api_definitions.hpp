// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/model_shelf.hpp"
#include "hub/routes.hpp"

namespace sluice::hub {

// GET /v1/definitions/{model}: the model file of the serving version, so that it can be built
// elsewhere.
void add_definitions_api(Routes& routes, const ModelShelf& models);

}  // namespace sluice::hub
