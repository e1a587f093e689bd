// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/deeds/audit.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/parked, GET /v1/parked/{model}/{event}, POST /v1/parked/retry, POST /v1/parked/skip.
struct ParkedApi {
  const ModelShelf& models;
  Audit& audit;
  const core::Clock& clock;
};
void add_parked_api(Routes& routes, const ParkedApi& parts);

}  // namespace sluice::hub
