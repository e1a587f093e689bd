// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json.hpp"
#include "core/result.hpp"
#include "projection/engine/decision.hpp"
#include "projection/engine/skipped_hole.hpp"

namespace sluice::hub {

// An operator's decision as GET /v1/definitions/{model}/decisions gives it, and back. kCorrupt: it
// has another form.
core::json::object decision_json(const projection::Decision& decision);
core::Result<projection::Decision> parse_decision(const core::json::value& told);
// The same of a hole that was stepped over.
core::json::object skipped_json(const projection::SkippedHole& hole);
core::Result<projection::SkippedHole> parse_skipped(const core::json::value& told);

}  // namespace sluice::hub
