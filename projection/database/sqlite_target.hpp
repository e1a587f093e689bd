// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/database/target.hpp"

namespace sluice::projection {

// A SQLite file (WAL): contract in target.hpp. synchronous is NORMAL but for Begin::kSynced.
core::Result<std::unique_ptr<Target>> open_sqlite(const Place& place, Access access);

}  // namespace sluice::projection
