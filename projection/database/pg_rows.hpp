// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "projection/database/pg_session.hpp"
#include "projection/database/target.hpp"

namespace sluice::projection {

// Rows as arrays, a parameter per column: one statement takes or gives thousands.
core::Result<std::unique_ptr<RowStore>> open_pg_rows(PgSession& session, const TableShape& shape);

}  // namespace sluice::projection
