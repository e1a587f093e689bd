// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "projection/value/place.hpp"

namespace sluice::projection {

// What a model's database says of itself.
struct StoredDefinition {
  std::string model;
  std::int64_t version = 0;
  std::string fingerprint;  // Model::fingerprint() of the program that made it
  std::string text;         // the model file; empty in a database of an older program
};

// Only reads. kNotFound: there is no such database, or it is not made yet; kConfig: it is one of
// something else; else errors as Target.
core::Result<StoredDefinition> read_definition(const Place& place);

}  // namespace sluice::projection
