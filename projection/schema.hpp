// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/model.hpp"
#include "projection/target.hpp"

namespace sluice::projection {

// Opens a model's database for writing, makes its tables if it is new, brings one of an older
// format to this one, and checks that it belongs to this model (stored_model.hpp).
core::Result<std::unique_ptr<Target>> open_model_database(const Model& model, const Place& place);

}  // namespace sluice::projection
