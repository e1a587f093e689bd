// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/hash.hpp"
#include "core/ids.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::bench {

// What somebody would write in an afternoon: a loop on SQLite's C interface over one table, with
// the log's settings (WAL, FULL, page size, checkpoints), the same checksum and the same hash
// chain. No lanes, segments, streams, versions, epochs, expected versions, threads.
class PlainLog {
 public:
  // with_ids: a unique index recognises a repeated event id, as the log does.
  PlainLog(const std::filesystem::path& file, bool with_ids);
  PlainLog(const PlainLog&) = delete;
  ~PlainLog();

  void begin();
  void insert(const core::Uuid& id, std::string_view body);
  void commit();
  void fill(std::uint64_t events, bool random_ids);  // quickly: the index last

 private:
  void run(const char* sql);
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  bool with_ids_;
  std::int64_t seq_ = 0;
  core::ChainHash chain_{};
};

}  // namespace sluice::bench
