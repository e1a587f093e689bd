// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.hpp"

#include <sqlite3.h>

#include <utility>

#include "sqlite/careful_vfs.hpp"
#include "sqlite/error.hpp"

namespace sluice::sqlite {
namespace {

using core::Errc;
using core::Error;
using core::fail;
using core::Result;

// Only the characters that end a path in SQLite's URI parser need escaping; the rest may stay.
std::string file_uri(const std::filesystem::path& path, std::string_view query) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c != '%' && c != '?' && c != '#') {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += kDigits[byte >> 4];
    uri += kDigits[byte & 15];
  }
  uri += query;
  return uri;
}

int flags_of(OpenMode mode) {
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case OpenMode::kReadWrite:
      return kCommon | SQLITE_OPEN_READWRITE;
    case OpenMode::kCreate:
      return kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case OpenMode::kReadOnly:
      return kCommon | SQLITE_OPEN_READONLY;
    case OpenMode::kImmutable:
      return kCommon | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  }
  return kCommon | SQLITE_OPEN_READONLY;
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

Result<Database> Database::open(const std::filesystem::path& path, OpenMode mode,
                                const OpenOptions& options) {
  const std::string name =
      mode == OpenMode::kImmutable ? file_uri(path, "?immutable=1") : path.string();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags_of(mode),
                                   options.vfs.empty() ? careful_vfs() : options.vfs.c_str());
  Database database;
  database.handle_.reset(raw);
  database.path_ = path;
  if (code != SQLITE_OK) return make_error(raw, code, path.string());
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  if (!options.checkpoint_on_close)
    sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // mmap turns an I/O error into SIGBUS, and lets a stray pointer write the file.
  SLUICE_TRY(database.exec("PRAGMA mmap_size=0"));
  if (options.cache_kib > 0)
    SLUICE_TRY(database.exec("PRAGMA cache_size=-" + std::to_string(options.cache_kib)));
  return database;
}

Result<void> Database::exec(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(statement);
}

Result<std::int64_t> Database::query_int(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return fail(Errc::kNotFound, path_.string() + ": no row");
  return statement->integer(0);
}

Result<std::string> Database::query_text(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return fail(Errc::kNotFound, path_.string() + ": no row");
  return std::string(statement->text(0));
}

Result<void> Database::set_pragma(const std::string& name, const std::string& value,
                                  std::string_view read_back) {
  SLUICE_TRY(exec("PRAGMA " + name + "=" + value));
  const auto now = query_text("PRAGMA " + name);
  if (!now) return now.error();
  if (*now != read_back)
    return fail(Errc::kIo, path_.string() + ": SQLite keeps " + name + " at '" + *now +
                               "' where '" + std::string(read_back) + "' is needed");
  return {};
}

Result<CheckpointResult> Database::checkpoint(Checkpoint mode) {
  CheckpointResult result;
  const int code = sqlite3_wal_checkpoint_v2(
      handle_.get(), nullptr,
      mode == Checkpoint::kTruncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
      &result.wal_frames, &result.checkpointed);
  result.busy = (code & 0xff) == SQLITE_BUSY;
  if (code != SQLITE_OK && !result.busy) return error(code);
  return result;
}

void Database::set_busy_timeout(int ms) {
  sqlite3_busy_timeout(handle_.get(), ms);
}
bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}
int Database::extended_code() const {
  return sqlite3_extended_errcode(handle_.get());
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}
std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_.get());
}
Error Database::error(int code) const {
  return make_error(handle_.get(), code, path_.string());
}

std::string_view library_version() {
  return sqlite3_libversion();
}
void release_memory() {
  sqlite3_release_memory(INT32_MAX);
}

}  // namespace sluice::sqlite
