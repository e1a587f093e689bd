// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"
#include "sqlite/database.hpp"
#include "storage/id_filter.hpp"

namespace sluice::storage {

struct SealJob {
  std::filesystem::path path;
  core::Seq first = 0;
  core::Seq last = 0;  // the last that counts; rows above it are nobody's
};

// Makes a finished segment read-only for ever, in steps that a crash may interrupt anywhere.
class SegmentSealer {
 public:
  static core::Result<SegmentSealer> open(const SealJob& job, const std::string& vfs);

  // Reads every record back, then writes in one transaction: the index of event ids, that of
  // stream positions, the id filter, and the mark. Nothing is written if a record is damaged
  // or missing (kCorrupt), unless the segment was salvaged and names the hole. Does nothing but
  // load the filter if it was done before.
  core::Result<IdFilter> write_indexes();
  // True once the WAL is empty; false while somebody reads.
  core::Result<bool> empty_wal();

 private:
  SegmentSealer(SealJob job, sqlite::Database database)
      : job_(std::move(job)), database_(std::move(database)) {}
  core::Result<IdFilter> index_all();

  SealJob job_;
  sqlite::Database database_;
};

}  // namespace sluice::storage
