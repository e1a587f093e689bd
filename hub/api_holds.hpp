// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/audit.hpp"
#include "hub/model_shelf.hpp"
#include "hub/routes.hpp"

namespace sluice::hub {

// GET /v1/holds, POST /v1/holds/skip.
struct HoldsApi {
  const ModelShelf& models;
  Audit& audit;
  const core::Clock& clock;
};
void add_holds_api(Routes& routes, const HoldsApi& parts);

}  // namespace sluice::hub
