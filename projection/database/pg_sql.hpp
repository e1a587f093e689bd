// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "projection/database/target.hpp"

// The SQL that only PostgreSQL reads. Pure; any thread.
namespace sluice::projection::pg_sql {

// `?1` becomes `$1`, but not in literals, quoted names and comments.
std::string numbered(std::string_view sql);

// Whole rows, many at once: parameter n is an array with the values of the shape's column n.
std::string load(const TableShape& shape);   // place in the arrays (from 1), columns behind the key
std::string store(const TableShape& shape);  // inserts or overwrites; every column is a parameter
std::string erase(const TableShape& shape);

// The key of the advisory lock that stands for a name within a schema.
std::int64_t lock_key(std::string_view schema, std::string_view name);

}  // namespace sluice::projection::pg_sql
