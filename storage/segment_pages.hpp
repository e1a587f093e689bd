// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::storage {

// The rows of table `event` as they lie in the pages of a segment's file and of its WAL, found
// without SQLite: it needs no schema, no tree and no order, so that a destroyed page costs the rows
// on it and no others. A row counts if its checksum fits its body. Reads only; makes no -shm.
//
// To be used while this process has no connection to the file: closing any descriptor of a file
// drops the POSIX locks that SQLite holds on it.
class SegmentPages {
 public:
  // kNotFound: no such file. kIo.
  static core::Result<SegmentPages> open(const std::filesystem::path& path);
  SegmentPages(SegmentPages&&) noexcept;
  SegmentPages& operator=(SegmentPages&&) = delete;
  ~SegmentPages();

  // Where a row lies.
  struct Place {
    core::Seq seq = 0;
    std::uint64_t offset = 0;  // of its page
    std::uint16_t cell = 0;
    bool in_wal = false;
    bool behind_break = false;  // in the WAL, behind the frame where its checksums end
  };
  // All rows, ascending, each seq once.
  std::vector<Place> rows();
  std::optional<std::string> body(const Place& place);

  // Transactions that were synced lie in the WAL behind a frame that fails its checksum: at least
  // two that carry on from each other's checksums. A power cut leaves parts of one, and further
  // cuts parts of others behind it; this is damage to what was on disk, and SQLite does not see it.
  bool wal_broken() const { return wal_broken_; }
  // A writer has begun the WAL anew since open(): what was found may be a mixture. Open it again.
  bool changed() const;
  // Writes the database as its last commit left it, file and WAL in one, so that SQLite can look at
  // it without touching either. kIo.
  core::Result<void> snapshot(const std::filesystem::path& to);
  // wal_broken() of a segment, without opening the database itself.
  static bool wal_broken(const std::filesystem::path& path);
  // Pages that the device would not give.
  std::uint64_t refused() const { return refused_; }

  // What the file's header says, for a program that must not touch what it does not know; empty if
  // it is not a header. Reads the first page only.
  struct Format {
    std::uint32_t application = 0;
    std::uint32_t version = 0;
  };
  static std::optional<Format> format(const std::filesystem::path& path);

 private:
  SegmentPages(int file, int wal) : file_(file), wal_(wal) {}
  void read_wal();
  bool read_page(bool in_wal, std::uint64_t offset, std::string& page);
  bool read_overflow(std::uint32_t number, std::string& page);
  void scan(const std::string& page, const Place& at, std::vector<Place>& found);
  std::optional<std::string> payload(const std::string& page, std::uint16_t cell, core::Seq& seq,
                                     std::int64_t& crc);

  int file_ = -1;
  int wal_ = -1;
  std::uint64_t file_pages_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> in_wal_;  // page number -> offset
  std::vector<std::pair<std::uint32_t, std::uint64_t>> behind_break_;
  bool wal_broken_ = false;
  std::uint64_t refused_ = 0;
  std::string overflow_;
  std::string wal_header_;
};

}  // namespace sluice::storage
