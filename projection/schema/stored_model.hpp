// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// Checks that a database is this model's, of this version and definition, in a format that this
// program knows. kConfig, kUnsupported; else what the database says.
core::Result<void> check_stored_model(Target& target, const Model& model);

}  // namespace sluice::projection
