// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/model.hpp"
#include "projection/target.hpp"

namespace sluice::projection {

// Opens a model's database and checks that it belongs to this model. For writing: makes its tables
// if it is new, and brings one of an older format to this one. kConfig: it belongs to another
// model, version or definition; kUnsupported: its format is newer than this program.
core::Result<std::unique_ptr<Target>> open_model_database(const Model& model, const Place& place,
                                                          Access access);

}  // namespace sluice::projection
