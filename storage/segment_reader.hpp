// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/database.hpp"
#include "storage/id_filter.hpp"
#include "storage/lane_book.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

core::Result<IdFilter> load_id_filter(sqlite::Database& database);  // of a sealed segment
// Checks a row's checksum.
core::Result<void> check_row(const sqlite::Database& database, core::Seq seq, std::int64_t crc,
                             std::string_view body);

// Reads one segment: a sealed one as an immutable file, any other through its WAL. Each call is one
// read transaction. One thread.
class SegmentReader {
 public:
  // kNotFound: removed meanwhile, or its first transaction was never committed.
  static core::Result<std::unique_ptr<SegmentReader>> open(const std::filesystem::path& path,
                                                           const std::string& vfs);

  const SegmentHead& head() const { return head_; }
  const std::filesystem::path& path() const { return database_.path(); }
  bool sealed() const { return sealed_; }

  // Rows from..to, at most `rows` and `bytes`, appended to `out`; a row that makes `out` not empty
  // is taken whatever its size. Stops before a row that cannot be read; if that is the first of
  // `out`, kCorrupt, and Error::current is its seq.
  core::Result<void> read(core::Seq from, core::Seq to, std::size_t rows, std::size_t bytes,
                          std::vector<Record>& out);
  core::Result<std::optional<Record>> read_one(core::Seq seq);
  core::Result<core::Seq> last();  // first_seq - 1 if it has no event

  core::Result<std::uint64_t> starting_version(std::string_view stream);  // 0: none before
  core::Result<LaneBook> book() { return load_book(database_, head_); }
  core::Result<void> streams(StreamTable& table) { return load_streams(database_, table); }
  sqlite::Database& database() { return database_; }
  core::Result<std::int64_t> stream_count() {
    return database_.query_int("SELECT count(*) FROM stream");
  }

  // Of a sealed segment only.
  core::Result<std::optional<core::Seq>> find_id(const core::Uuid& id);
  core::Result<std::vector<core::Seq>> positions(std::string_view stream, std::uint64_t from,
                                                 std::size_t limit);
  core::Result<IdFilter> filter() { return load_id_filter(database_); }

 private:
  SegmentReader() = default;
  core::Result<void> prepare();
  core::Result<sqlite::Statement*> lazily(sqlite::Statement& statement, std::string_view sql);

  sqlite::Database database_;
  SegmentHead head_;
  bool sealed_ = false;
  sqlite::Statement range_;
  sqlite::Statement find_id_;
  sqlite::Statement version_;
};

// The readers used last, so that neighbouring calls need not open a file again. One thread.
class SegmentCache {
 public:
  SegmentCache(std::size_t open_max, std::string vfs) : open_max_(open_max), vfs_(std::move(vfs)) {}
  // Valid until the next call.
  core::Result<SegmentReader*> get(const std::filesystem::path& path);
  void forget(const std::filesystem::path& path);
  void clear() { readers_.clear(); }

 private:
  std::size_t open_max_;
  std::string vfs_;
  std::list<std::unique_ptr<SegmentReader>> readers_;  // most recent first
};

}  // namespace sluice::storage
