// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hub/routes.hpp"
#include "hub/served_model.hpp"

namespace sluice::hub {

// GET /v1/models/{model}/{table}.
struct RowsApi {
  const std::vector<ServedModel>& models;
};
void add_rows_api(Routes& routes, const RowsApi& parts);

}  // namespace sluice::hub
