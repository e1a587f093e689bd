// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "sqlite/statement.hpp"

struct sqlite3;

namespace sluice::sqlite {

enum class OpenMode {
  kReadWrite,  // the file must exist
  kCreate,     // read-write, made if absent
  kReadOnly,   // never writes the database; in WAL mode it needs -shm, or may make one
  kImmutable,  // reads the file alone, without locks or WAL: only for files that never change again
};

struct OpenOptions {
  int busy_timeout_ms = 0;
  int cache_kib = 0;  // page cache; 0 leaves SQLite's default
  std::string vfs;    // empty: careful_vfs() (tests name a FaultVfs)
  bool checkpoint_on_close = true;
};

struct CheckpointResult {
  bool busy = false;     // somebody reads: the WAL could not be reset
  int wal_frames = 0;    // in the WAL
  int checkpointed = 0;  // of these, copied to the database
};

// One connection. One thread at a time; it may be handed from thread to thread. Every failure comes
// as core::Error with SQLite's words, the extended code and the file: kLimit for a full disk,
// kCorrupt for damage, kBusy for a lock, kTooLarge for a value over a limit, kIo for the rest.
class Database {
 public:
  static core::Result<Database> open(const std::filesystem::path& path, OpenMode mode,
                                     const OpenOptions& options = {});
  Database() = default;  // closed
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  bool is_open() const { return handle_ != nullptr; }
  const std::filesystem::path& path() const { return path_; }

  core::Result<void> exec(const std::string& sql);  // any number of statements, rows thrown away
  core::Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; kNotFound without a row.
  core::Result<std::int64_t> query_int(std::string_view sql);
  core::Result<std::string> query_text(std::string_view sql);
  // Sets a pragma and reads it back: kIo if SQLite kept another value.
  core::Result<void> set_pragma(const std::string& name, const std::string& value,
                                std::string_view read_back);

  // TRUNCATE copies all of the WAL and cuts the file to nothing; PASSIVE does what readers allow.
  enum class Checkpoint { kPassive, kTruncate };
  core::Result<CheckpointResult> checkpoint(Checkpoint mode);

  void set_busy_timeout(int ms);
  bool in_transaction() const;
  int extended_code() const;  // of the last failed call
  std::int64_t changes() const;
  std::int64_t last_insert_rowid() const;
  core::Error error(int code) const;  // the Error for a code that a call on this connection gave

  // All statements must be gone before.
  void close() { handle_.reset(); }
  sqlite3* handle() const { return handle_.get(); }  // for this folder only

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::filesystem::path path_;
};

// "3.40.1"
std::string_view library_version();
// Gives freed page-cache memory back to the allocator, in all connections of this process.
void release_memory();

}  // namespace sluice::sqlite
