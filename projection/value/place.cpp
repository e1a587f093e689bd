// SPDX-License-Identifier: Apache-2.0
#include "projection/value/place.hpp"

namespace sluice::projection {

std::string_view dialect_word(Dialect dialect) {
  return dialect == Dialect::kSqlite ? "sqlite" : "postgres";
}

Place Place::postgres(std::string conninfo, std::string schema) {
  Place place{std::filesystem::path()};
  place.conninfo = std::move(conninfo);
  place.schema = std::move(schema);
  return place;
}

std::string Place::text() const {
  return dialect() == Dialect::kSqlite ? file.string() : "schema " + schema + " of PostgreSQL";
}

}  // namespace sluice::projection
