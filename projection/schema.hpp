// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "projection/model.hpp"
#include "projection/target.hpp"
#include "sqlite/database.hpp"

namespace sluice::projection {

// Opens a model's database for writing, makes its tables if it is new, and checks that it belongs
// to this model. kConfig: it belongs to another model, version or definition.
core::Result<sqlite::Database> open_model_database(const Model& model,
                                                   const std::filesystem::path& file);

// The same for reading: nothing is made, nothing can be written.
core::Result<sqlite::Database> open_model_for_reading(const Model& model,
                                                      const std::filesystem::path& file);

}  // namespace sluice::projection
