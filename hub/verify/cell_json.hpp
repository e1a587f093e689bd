// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json.hpp"
#include "projection/value/value.hpp"

namespace sluice::hub {

// A cell as GET /v1/models/{model}/{table} gives it: times as RFC 3339 text, bytes as {"$bytes"}.
core::json::value cell_json(const projection::Cell& cell, projection::Type type);

}  // namespace sluice::hub
