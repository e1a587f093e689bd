// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json.hpp"
#include "hub/verify/verify.hpp"

namespace sluice::hub {

// A row that differs, with its cells: {"table", "kind", "key", "columns": [{"column", "expected",
// "found"}]}.
core::json::object difference_json(const projection::Model& model,
                                   const projection::RowDifference& row);
// The same with "first_event" (or null) and "words" of what it means.
core::json::object finding_json(const projection::Model& model, const VerifyFinding& finding);
// {"rows", "differences", "messages", "findings", "unverifiable", "positions"}; docs/hub-api.md.
core::json::object report_json(const projection::Model& model, const VerifyReport& report);

}  // namespace sluice::hub
