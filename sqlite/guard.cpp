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

// The functions of date and time give the present one for the text 'now', and without arguments.
// SQLite tells an authorizer of neither; nor of OR ROLLBACK. So the words are looked for in the
// text: a text in quotes is a word of its own, a comment gives none. What is calculated is not seen
// here; where it is run there is no present time (timeless_vfs).
std::vector<std::string> words_of(std::string_view sql) {
  std::vector<std::string> out;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = 0; at < sql.size();) {
    const std::string_view rest = sql.substr(at);
    std::size_t size = 1;
    const auto through = [&](std::string_view closing, std::size_t from) {
      const std::size_t end = rest.find(closing, from);
      size = end == std::string_view::npos ? rest.size() : end + closing.size();
    };
    const bool is_comment = rest.starts_with("--") || rest.starts_with("/*");
    if (is_comment)
      through(rest.front() == '-' ? "\n" : "*/", 2);
    else if (rest.front() == '[')
      through("]", 1);
    else if (std::string_view("'\"`").find(rest.front()) != std::string_view::npos)
      through(rest.substr(0, 1), 1);
    else
      while (is_word(rest[0]) && size < rest.size() && is_word(rest[size])) ++size;
    if (!is_comment && std::string_view(" \t\r\n\f").find(rest.front()) == std::string_view::npos)
      out.emplace_back(rest.substr(0, size));
    at += size;
  }
  return out;
}

bool same(const std::string& word, const char* other) {
  return strcasecmp(word.c_str(), other) == 0;
}

bool is_of_time(const std::string& word) {
  return same(word, "date") || same(word, "time") || same(word, "datetime") ||
         same(word, "julianday") || same(word, "unixepoch") || same(word, "strftime") ||
         same(word, "timediff");
}

// The time zone is the machine's; the others are the present time, or count from it.
bool is_of_here_and_now(const std::string& word) {
  for (const char* text : {"'now'", "'localtime'", "'utc'", "'subsec'", "'subsecond'"})
    if (same(word, text)) return true;
  return false;
}

// How many arguments the call has whose parenthesis opens at words[open].
std::size_t count_arguments(const std::vector<std::string>& words, std::size_t open) {
  if (open + 1 < words.size() && words[open + 1] == ")") return 0;
  std::size_t count = 1;
  int depth = 0;
  for (std::size_t i = open; i < words.size(); ++i) {
    depth += words[i] == "(" ? 1 : words[i] == ")" ? -1 : 0;
    if (depth == 0) break;
    if (depth == 1 && words[i] == ",") ++count;
  }
  return count;
}

// Why a statement must not be taken that SQLite's authorizer has nothing against; null: it may.
const char* what_authorizers_miss(sqlite3_stmt* statement, std::string_view sql) {
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
    const char* name = sqlite3_bind_parameter_name(statement, i);
    if (name == nullptr || name[0] != ':') return "a parameter is :name, and one of the args";
  }
  const std::vector<std::string> words = words_of(sql);
  bool any_of_time = false;
  bool any_now = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (same(words[i], "rollback"))
      return "OR ROLLBACK would undo other events; without it, the event parks alone";
    any_now |= is_of_here_and_now(words[i]);
    if (!is_of_time(words[i]) || i + 2 >= words.size() || words[i + 1] != "(") continue;
    any_of_time = true;
    any_now |= count_arguments(words, i + 1) < (same(words[i], "strftime") ? 2U : 1U);
  }
  return any_of_time && any_now ? "the present time is another one each time it is run, and the "
                                  "time zone on each machine; take $time or $recorded as an "
                                  "argument"
                                : nullptr;
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
  if (const char* why = what_authorizers_miss(statement->get(), sql))
    return core::fail(core::Errc::kBadRequest, why);
  return {};
}

void allow_only_selects(Database& database, const char* hidden_prefix) {
  sqlite3_set_authorizer(database.handle(), only_selects, const_cast<char*>(hidden_prefix));
}

void take_double_quotes_for_names(Database& database) {
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
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
