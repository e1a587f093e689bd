// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "projection/value/place.hpp"

namespace sluice::projection {

// The engine's own tables (docs/models.md), as statements that make them.
std::string internal_tables(Dialect dialect);
// Those of these that formats 3 and 4 had not.
std::string changed_table(Dialect dialect);
std::string skipped_table(Dialect dialect);
std::string runs_table(Dialect dialect);

// Writes one text for both databases: $int, $text, $bytes, $id (a key that numbers itself),
// $strict (ends a table), $strict_rowid (the same, of a table with $id).
std::string in_dialect(std::string_view sql, Dialect dialect);

}  // namespace sluice::projection
