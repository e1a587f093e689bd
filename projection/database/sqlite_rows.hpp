// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "sqlite/database.hpp"

namespace sluice::projection {

// The RowStore of sqlite_target.hpp: three prepared statements, one row at a time, as SQLite has no
// round trips to save. `database` must stay where it is.
core::Result<std::unique_ptr<RowStore>> open_sqlite_rows(sqlite::Database& database,
                                                         const TableShape& shape);

}  // namespace sluice::projection
