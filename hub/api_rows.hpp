// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/model_shelf.hpp"
#include "hub/routes.hpp"

namespace sluice::hub {

// GET /v1/models/{model}/{table}.
struct RowsApi {
  const ModelShelf& models;
};
void add_rows_api(Routes& routes, const RowsApi& parts);

}  // namespace sluice::hub
