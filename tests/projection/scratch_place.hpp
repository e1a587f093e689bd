// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "projection/model/model.hpp"
#include "projection/value/place.hpp"

// Where a test's model lives: a SQLite file; or, with SLUICE_TEST_DATABASE=postgres, a schema of a
// real PostgreSQL that is started with the first of them and ends with the program.
namespace sluice::test {

bool on_postgres();
projection::Place scratch_place(const std::filesystem::path& folder,
                                const projection::Model& model);

}  // namespace sluice::test
