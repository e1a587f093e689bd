// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "hub/routes/routes.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// hub/api/openapi.json, embedded at build: every route but those of the models' own tables.
std::string_view openapi_text();

// The path of a table: its columns as parameters, and what its rows look like. Pure.
core::json::object openapi_of_table(const projection::QueryTable& table);

// GET /v1/openapi.json: the document with a path for each table of each model as it is served now,
// and the program's version.
void add_openapi_api(Routes& routes, const ModelShelf& models);

}  // namespace sluice::hub
