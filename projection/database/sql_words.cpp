// SPDX-License-Identifier: Apache-2.0
#include "projection/database/sql_words.hpp"

namespace sluice::projection::sql {

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);  // a view's column may have one
  return out + '"';
}

std::string_view column_type(Type type, Dialect dialect) {
  const bool postgres = dialect == Dialect::kPostgres;
  switch (type) {
    case Type::kText:
    case Type::kList:
      return postgres ? "text COLLATE \"C\"" : "TEXT";  // both in the order of the bytes
    case Type::kReal:
      return postgres ? "double precision" : "REAL";
    case Type::kBytes:
      return postgres ? "bytea" : "BLOB";
    case Type::kBool:
      return postgres ? "boolean" : "INTEGER";
    default:
      return postgres ? "bigint" : "INTEGER";
  }
}

}  // namespace sluice::projection::sql
