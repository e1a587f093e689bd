// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/models/{model}/{table}: rows, at once or as soon as the model has what `after` names. A
// request that waits takes no thread; kWaitingMax may.
struct RowsApi {
  const ModelShelf& models;
  const core::Clock& clock;
  static constexpr int kWaitingMax = 64;
};
void add_rows_api(Routes& routes, const RowsApi& parts);

}  // namespace sluice::hub
