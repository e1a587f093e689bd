// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "projection/query/query.hpp"
#include "projection/trial/trial.hpp"

namespace sluice::projection {

// Adds a sentence per difference between a table's rows and what a trial expects of them. An
// expected row is found by the key columns that it names (of a view: by most of what it names).
core::Result<void> compare_table(Query& query, const Model& model, const TrialTable& expected,
                                 std::vector<std::string>& out);

}  // namespace sluice::projection
