// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/routes/routes.hpp"
#include "hub/verify/verify_desk.hpp"
#include "hub/versions/model_shelf.hpp"
#include "hub/workers/lease_keeper.hpp"

namespace sluice::hub {

// GET /v1/models, GET /v1/models/{model}.
struct ModelsApi {
  const ModelShelf& models;
  const core::Clock& clock;
  const VerifyDesk& verify;
  const LeaseKeeper* leases;  // null: this one reads all shards
};
void add_models_api(Routes& routes, const ModelsApi& parts);

}  // namespace sluice::hub
