// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// POST /v1/models/reload, /v1/models/{model}/rebuild, /v1/models/{model}/rollback.
struct VersionsApi {
  const ModelShelf& models;
  std::function<core::Result<void>()> reload;  // reads all model files again
  // Of a model that could not be opened: what serves or is being built then.
  std::function<core::Result<VersionId>(const std::string& model, const std::string& reason)>
      rebuild_away;
};
void add_versions_api(Routes& routes, const VersionsApi& parts);

// What GET /v1/models says of a model's versions: serving, building, kept, problem.
core::json::object describe_versions(const ModelHost& host);

}  // namespace sluice::hub
