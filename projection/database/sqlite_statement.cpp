// SPDX-License-Identifier: Apache-2.0
#include "projection/database/sqlite_statement.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::Result;

}  // namespace

void bind_sqlite(sqlite::Statement& statement, int parameter, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kInt:
      statement.bind(parameter, value.integer);
      break;
    case Value::Kind::kReal:
      statement.bind(parameter, value.real);
      break;
    case Value::Kind::kText:
      statement.bind(parameter, value.text);
      break;
    case Value::Kind::kBytes:
      statement.bind_blob(parameter, value.text);
      break;
    default:
      statement.bind_null(parameter);
  }
}

Value sqlite_value(const sqlite::Statement& row, int column) {
  switch (row.type(column)) {
    case sqlite::Statement::Type::kInteger:
      return Value::of(row.integer(column));
    case sqlite::Statement::Type::kFloat:
      return Value::of(row.real(column));
    case sqlite::Statement::Type::kText:
      return Value::of(row.text(column));
    case sqlite::Statement::Type::kBlob:
      return Value::bytes(row.blob(column));
    default:
      return Value::null();
  }
}

core::Error sqlite_error(const sqlite::Database& database, core::Error error) {
  switch (database.extended_code() & 0xff) {
    case 1:   // SQLITE_ERROR: the text, or a function's complaint
    case 19:  // SQLITE_CONSTRAINT, whichever kind
    case 20:  // SQLITE_MISMATCH
    case 25:  // SQLITE_RANGE
      error.code = Errc::kBadRequest;
      break;
    case 9:  // SQLITE_INTERRUPT
      error.code = Errc::kLimit;
      error.message = "it took longer than it may (" + error.message + ")";
      break;
    default:
      break;
  }
  return error;
}

Statement& SqliteStatement::set(int parameter, const Value& value) {
  bind_sqlite(statement_, parameter, value);
  return *this;
}

Result<bool> SqliteStatement::step() {
  auto row = statement_.step();
  if (!row) return sqlite_error(database_, row.error());
  return row;
}

Result<std::uint64_t> SqliteStatement::run() {
  const Resetting guard{*this};
  for (;;) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) return static_cast<std::uint64_t>(database_.changes());
  }
}

Result<void> SqliteStatement::post() {
  SLUICE_TRY(run());
  return {};
}

Value SqliteStatement::value(int column) const {
  return sqlite_value(statement_, column);
}

Result<std::unique_ptr<SqliteStatement>> prepare_sqlite(sqlite::Database& database,
                                                        std::string_view sql) {
  auto statement = database.prepare(sql);
  if (!statement) return sqlite_error(database, statement.error());
  return std::make_unique<SqliteStatement>(database, std::move(*statement));
}

}  // namespace sluice::projection
