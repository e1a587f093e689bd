// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// Makes the tables of a model upon a connection for writing if the place is new, brings one of an
// older format to this one, and checks that it belongs to this model (stored_model.hpp).
core::Result<void> prepare_model_database(const Model& model, Target& target);

}  // namespace sluice::projection
