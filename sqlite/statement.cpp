// SPDX-License-Identifier: Apache-2.0
#include "sqlite/statement.hpp"

#include <sqlite3.h>

#include "sqlite/error.hpp"

namespace sluice::sqlite {
namespace {

core::Error error_of(sqlite3_stmt* statement, int code) {
  sqlite3* database = sqlite3_db_handle(statement);
  const char* file = sqlite3_db_filename(database, "main");
  return make_error(database, code, file == nullptr ? "" : file);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  bind_code_ |= sqlite3_bind_int64(handle_.get(), parameter, value);
  return *this;
}
Statement& Statement::bind(int parameter, double value) {
  bind_code_ |= sqlite3_bind_double(handle_.get(), parameter, value);
  return *this;
}
Statement& Statement::bind(int parameter, std::string_view text) {
  // A view without bytes may hold a null pointer, which SQLite would take for NULL.
  bind_code_ |= sqlite3_bind_text64(handle_.get(), parameter, text.empty() ? "" : text.data(),
                                    text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  bind_code_ |= sqlite3_bind_blob64(handle_.get(), parameter, bytes.empty() ? "" : bytes.data(),
                                    bytes.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_null(int parameter) {
  bind_code_ |= sqlite3_bind_null(handle_.get(), parameter);
  return *this;
}

core::Result<bool> Statement::step() {
  if (bind_code_ != SQLITE_OK) {
    bind_code_ = SQLITE_OK;
    return core::fail(core::Errc::kInternal, "a value could not be bound");
  }
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(handle_.get(), code);
}

core::Result<void> Statement::run() {
  const Resetting guard{*this};
  for (;;) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
}

Statement::Type Statement::type(int column) const {
  switch (sqlite3_column_type(handle_.get(), column)) {
    case SQLITE_INTEGER:
      return Type::kInteger;
    case SQLITE_FLOAT:
      return Type::kFloat;
    case SQLITE_TEXT:
      return Type::kText;
    case SQLITE_BLOB:
      return Type::kBlob;
    default:
      return Type::kNull;
  }
}
std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(handle_.get(), column);
}
std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}
std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}
int Statement::columns() const {
  return sqlite3_column_count(handle_.get());
}
std::string_view Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(handle_.get(), column);
  return name == nullptr ? std::string_view{} : std::string_view(name);
}
int Statement::parameters() const {
  return sqlite3_bind_parameter_count(handle_.get());
}

}  // namespace sluice::sqlite
