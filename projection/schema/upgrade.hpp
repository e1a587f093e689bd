// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// The format of a model's database (docs/models.md, "Files"). 1: without the order of epochs and
// the corrections of clocks. 2: with one row of totals, and no fence. 3: without the
// places of operators' decisions, and without stamps (stamps.hpp). 4: without
// the holes that were stepped over, and without the order in which epochs took effect.
inline constexpr std::int64_t kSchemaFormat = 5;

// Brings a database of this model from an older format to this one, in one transaction. Does
// nothing to one of another model or definition, or of a newer format: the caller's check says so.
core::Result<void> upgrade_schema(Target& target, const Model& model);

}  // namespace sluice::projection
