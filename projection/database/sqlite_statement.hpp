// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "sqlite/database.hpp"

namespace sluice::projection {

// The statement of sqlite_target.hpp. `database` must stay where it is.
class SqliteStatement final : public Statement {
 public:
  SqliteStatement(sqlite::Database& database, sqlite::Statement statement)
      : database_(database), statement_(std::move(statement)) {}

  Statement& set(int parameter, const Value& value) override;
  core::Result<bool> step() override;
  core::Result<std::uint64_t> run() override;
  core::Result<void> post() override;
  void reset() override { statement_.reset(); }
  Value value(int column) const override;
  int columns() const override { return statement_.columns(); }

 private:
  sqlite::Database& database_;
  sqlite::Statement statement_;
};

core::Result<std::unique_ptr<SqliteStatement>> prepare_sqlite(sqlite::Database& database,
                                                              std::string_view sql);
Value sqlite_value(const sqlite::Statement& row, int column);
void bind_sqlite(sqlite::Statement& statement, int parameter, const Value& value);

// The error of a call that just failed, in the classes of target.hpp.
core::Error sqlite_error(const sqlite::Database& database, core::Error error);

}  // namespace sluice::projection
