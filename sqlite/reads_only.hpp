// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sqlite/database.hpp"

namespace sluice::sqlite {

// From now on this connection does nothing but SELECTs and transactions around them, and no view
// reads a table whose name begins with `hidden_prefix` (a literal: it must outlive the connection)
// or with "sqlite_".
void allow_only_reads(Database& database, const char* hidden_prefix);

}  // namespace sluice::sqlite
