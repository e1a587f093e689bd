// SPDX-License-Identifier: Apache-2.0
#include "sqlite/guard.hpp"

#include <sqlite3.h>
#include <strings.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace sluice::sqlite {
namespace {

constexpr int kStepsBetweenChecks = 1000;

bool begins_with(const char* name, const char* prefix) {
  return name != nullptr && strncasecmp(name, prefix, std::strlen(prefix)) == 0;
}

int only_selects(void* hidden_prefix, int action, const char* first, const char* second,
                 const char*, const char*) noexcept {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return begins_with(first, static_cast<const char*>(hidden_prefix)) ||
                     begins_with(first, "sqlite_")
                 ? SQLITE_DENY
                 : SQLITE_OK;
    case SQLITE_FUNCTION:
      return second != nullptr && strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY
                                                                            : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

bool gives_another_result_each_time(const char* function) {
  for (const char* name :
       {"random", "randomblob", "current_time", "current_date", "current_timestamp",
        "last_insert_rowid", "changes", "total_changes", "load_extension"})
    if (strcasecmp(function, name) == 0) return true;
  return false;
}

int only_changes(void* given, int action, const char* first, const char* second, const char*,
                 const char*) noexcept {
  const auto& allowed = *static_cast<const Changes*>(given);
  const auto is_allowed = [&] {
    return std::find(allowed.tables.begin(), allowed.tables.end(), first) != allowed.tables.end();
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return begins_with(first, allowed.hidden_prefix) || begins_with(first, "sqlite_") ||
                     begins_with(second, allowed.hidden_prefix)
                 ? SQLITE_DENY
                 : SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_DELETE:
      return is_allowed() ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_UPDATE:
      return is_allowed() && !begins_with(second, allowed.hidden_prefix) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr && gives_another_result_each_time(second) ? SQLITE_DENY : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

// Exactly one statement, prepared; kBadRequest else.
core::Result<std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>> prepare_one(
    Database& database, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &raw, &tail);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  if (code != SQLITE_OK)
    return core::fail(core::Errc::kBadRequest, sqlite3_errmsg(database.handle()));
  if (raw == nullptr) return core::fail(core::Errc::kBadRequest, "no statement");
  const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
    return core::fail(core::Errc::kBadRequest, "more than one statement, or a ';' at the end");
  return statement;
}

}  // namespace

core::Result<void> check_change(Database& database, std::string_view sql, const Changes& allowed) {
  sqlite3_set_authorizer(database.handle(), only_changes, const_cast<Changes*>(&allowed));
  const auto statement = prepare_one(database, sql);
  sqlite3_set_authorizer(database.handle(), nullptr, nullptr);
  if (!statement) return statement.error();
  if (sqlite3_stmt_readonly(statement->get()) != 0 || sqlite3_column_count(statement->get()) != 0)
    return core::fail(core::Errc::kBadRequest,
                      "not an INSERT, UPDATE or DELETE that gives no rows");
  return {};
}

void allow_only_selects(Database& database, const char* hidden_prefix) {
  sqlite3_set_authorizer(database.handle(), only_selects, const_cast<char*>(hidden_prefix));
}

void allow_everything(Database& database) {
  sqlite3_set_authorizer(database.handle(), nullptr, nullptr);
}

core::Result<std::vector<std::string>> check_select(Database& database, std::string_view sql) {
  const auto statement = prepare_one(database, sql);
  if (!statement) return statement.error();
  sqlite3_stmt* raw = statement->get();
  if (sqlite3_stmt_readonly(raw) == 0 || sqlite3_column_count(raw) == 0)
    return core::fail(core::Errc::kBadRequest, "not a SELECT");
  if (sqlite3_bind_parameter_count(raw) != 0)
    return core::fail(core::Errc::kBadRequest, "parameters are not possible here");
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(raw); ++i)
    names.emplace_back(sqlite3_column_name(raw, i));
  return names;
}

Deadline::Deadline(Database& database, std::chrono::milliseconds time)
    : database_(database), end_(std::chrono::steady_clock::now() + time) {
  sqlite3_progress_handler(database.handle(), kStepsBetweenChecks, &Deadline::check, this);
}

Deadline::~Deadline() {
  sqlite3_progress_handler(database_.handle(), 0, nullptr, nullptr);
}

int Deadline::check(void* self) noexcept {
  auto& deadline = *static_cast<Deadline*>(self);
  if (std::chrono::steady_clock::now() >= deadline.end_) deadline.expired_ = true;
  return deadline.expired_ ? 1 : 0;
}

}  // namespace sluice::sqlite
