// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::projection {

enum class Dialect : std::uint8_t { kSqlite, kPostgres };
std::string_view dialect_word(Dialect dialect);  // "sqlite", "postgres"

// Where the database of one version of a model is: a SQLite file, or a schema in a PostgreSQL
// database.
struct Place {
  Place(std::filesystem::path path) : file(std::move(path)) {}  // NOLINT: a path is a place
  static Place postgres(std::string conninfo, std::string schema);

  Dialect dialect() const { return schema.empty() ? Dialect::kSqlite : Dialect::kPostgres; }
  // For messages: the file, or "schema x of PostgreSQL". Never the connection, which may hold a
  // password.
  std::string text() const;

  std::filesystem::path file;  // SQLite
  std::string conninfo;        // PostgreSQL: as libpq takes it, with the password if one is needed
  std::string schema;          // PostgreSQL: unquoted
};

}  // namespace sluice::projection
