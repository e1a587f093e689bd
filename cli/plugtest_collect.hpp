// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/output.hpp"
#include "cli/plugtest_record.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// The file of a record, on a machine whose plug stays in. What append() returned from is synced.
class RecordFile {
 public:
  // Opens or makes it; a torn last line is cut off. kIo, kCorrupt.
  static core::Result<RecordFile> open(const std::filesystem::path& path);
  RecordFile(RecordFile&& other) noexcept;
  RecordFile& operator=(RecordFile&&) = delete;
  ~RecordFile();

  // Checks, writes and syncs whole lines. kCorrupt: one does not fit; those before it are written.
  // kIo.
  core::Result<void> append(const std::vector<std::string>& lines);
  const PlugtestRecord& record() const { return record_; }
  core::Result<std::string> text() const;

 private:
  RecordFile(int fd, std::filesystem::path path, PlugtestRecord record);
  int fd_;
  std::filesystem::path path_;
  PlugtestRecord record_;
};

// Takes notes from boards until it is ended by a signal. Each connection sends lines of a record
// and is told "ok N" once the first N of them are synced; "show" gives the whole record, ended by
// "end". Anyone who reaches the port may write: for a bench, not for an open network. Returns only
// with an error.
core::Error collect(Output& output, const std::string& address, const std::filesystem::path& file);

// The record that a collector has. kUnavailable, kCorrupt.
core::Result<PlugtestRecord> fetch_record(const std::string& collector);

}  // namespace sluice::cli
