// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// GET /v1/models/{model}/{table}: rows, at once or as soon as the model has what `after` names. A
// request that waits for a write takes no thread; kWaitingMax may. kQueuedMax may wait for a
// thread, each for as long as its deadline says and its client is there.
struct RowsApi {
  const ModelShelf& models;
  const core::Clock& clock;
  static constexpr int kWaitingMax = 64;
  static constexpr std::size_t kQueuedMax = 256;
};
void add_rows_api(Routes& routes, const RowsApi& parts);

}  // namespace sluice::hub
