// SPDX-License-Identifier: Apache-2.0
#include "sqlite/guard.hpp"

#include <sqlite3.h>
#include <strings.h>

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

}  // namespace

void allow_only_selects(Database& database, const char* hidden_prefix) {
  sqlite3_set_authorizer(database.handle(), only_selects, const_cast<char*>(hidden_prefix));
}

void allow_everything(Database& database) {
  sqlite3_set_authorizer(database.handle(), nullptr, nullptr);
}

core::Result<std::vector<std::string>> check_select(Database& database, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &raw, &tail);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  if (code != SQLITE_OK)
    return core::fail(core::Errc::kBadRequest, sqlite3_errmsg(database.handle()));
  if (raw == nullptr) return core::fail(core::Errc::kBadRequest, "no statement");
  const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
    return core::fail(core::Errc::kBadRequest, "more than one statement, or a ';' at the end");
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
