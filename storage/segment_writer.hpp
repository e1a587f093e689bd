// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/database.hpp"
#include "sqlite/transaction.hpp"
#include "storage/lane_book.hpp"

namespace sluice::storage {

// The one connection that writes and checkpoints a segment, with its settings set and read back.
// One thread.
class SegmentWriter {
 public:
  // Makes the file and commits its first transaction: head, stream versions, book, and what `more`
  // writes. When it returns, the segment survives a power cut; when it fails, the caller removes
  // the file.
  using More = std::function<core::Result<void>(SegmentWriter&)>;
  static core::Result<SegmentWriter> create(const std::filesystem::path& path,
                                            const SegmentHead& head, const StreamTable& streams,
                                            const LaneBook& book, const std::string& vfs,
                                            const More& more = {});
  static core::Result<SegmentWriter> open(const std::filesystem::path& path,
                                          const std::string& vfs);

  core::Result<void> begin();
  core::Result<void> insert(core::Seq seq, std::uint32_t crc, std::string_view body);
  core::Result<void> commit();
  void rollback() { transaction_.reset(); }

  sqlite::Database& database() { return *database_; }

 private:
  explicit SegmentWriter(sqlite::Database database);
  core::Result<void> prepare();

  std::unique_ptr<sqlite::Database> database_;  // the transaction points to it
  sqlite::Statement insert_;
  std::optional<sqlite::Transaction> transaction_;
};

// The settings of every connection that may write a segment.
core::Result<void> set_write_pragmas(sqlite::Database& database);

}  // namespace sluice::storage
