// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/deeds/audit.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/holds, POST /v1/holds/skip.
struct HoldsApi {
  const ModelShelf& models;
  Audit& audit;
  const core::Clock& clock;
};
void add_holds_api(Routes& routes, const HoldsApi& parts);

}  // namespace sluice::hub
