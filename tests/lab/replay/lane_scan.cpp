// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/lane_scan.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "core/codec/event_codec.hpp"
#include "core/hash.hpp"
#include "sqlite/database.hpp"

namespace sluice::lab {
namespace {

using core::ChainHash;
using core::Result;
using core::Seq;
using sqlite::Database;
namespace fs = std::filesystem;

struct File {
  Seq first = 0;
  fs::path path;
};

std::vector<File> segment_files(const fs::path& folder) {
  std::vector<File> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".seg")) continue;
    File file;
    std::from_chars(name.data(), name.data() + 20, file.first);
    file.path = entry.path();
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) {
    return a.first != b.first ? a.first < b.first : a.path < b.path;
  });
  return files;
}

class Scanner {
 public:
  explicit Scanner(LaneScan& scan) : scan_(scan) {}

  // The rows of `file` that count, which are those below `end`.
  Result<void> segment(const File& file, Seq end) {
    // Without a WAL the file alone is the segment, and looking at it leaves nothing beside it.
    std::error_code error;
    const auto wal = fs::file_size(file.path.string() + "-wal", error);
    const bool alone = error || wal == 0;
    auto database = Database::open(
        file.path, alone ? sqlite::OpenMode::kImmutable : sqlite::OpenMode::kReadOnly, {});
    if (!database) return database.error();
    SLUICE_TRY(head(*database, file));
    auto rows = database->prepare("SELECT seq,crc,body FROM event ORDER BY seq");
    if (!rows) return rows.error();
    for (;;) {
      const auto row = rows->step();
      if (!row) return row.error();
      if (!*row || static_cast<Seq>(rows->integer(0)) >= end) break;
      event(static_cast<Seq>(rows->integer(0)), rows->integer(1), rows->blob(2));
    }
    return end == UINT64_MAX ? set_aside(*database) : Result<void>();
  }

  void complain(const std::string& what) { scan_.problems.push_back(what); }

 private:
  Result<void> head(Database& database, const File& file) {
    auto chain = database.prepare("SELECT value FROM meta WHERE key='chain'");
    if (!chain) return chain.error();
    const auto row = chain->step();
    if (!row) return row.error();
    ChainHash hash{};
    if (*row && chain->blob(0).size() == hash.size())
      std::memcpy(hash.data(), chain->blob(0).data(), hash.size());
    else
      complain(file.path.filename().string() + " has no chain hash");
    if (scan_.first == 0) {
      scan_.first = file.first;
      scan_.last = file.first - 1;
      chain_ = hash;
      return versions(database);
    }
    if (file.first != scan_.last + 1)
      complain("a gap before " + file.path.filename().string() + ": the last seq is " +
               std::to_string(scan_.last));
    if (hash != chain_) complain("the chain breaks at " + file.path.filename().string());
    return {};
  }

  Result<void> versions(Database& database) {
    auto rows = database.prepare("SELECT name,version FROM stream");
    if (!rows) return rows.error();
    for (;;) {
      const auto row = rows->step();
      if (!row) return row.error();
      if (!*row) return {};
      versions_[std::string(rows->text(0))] = static_cast<std::uint64_t>(rows->integer(1));
    }
  }

  Result<void> set_aside(Database& database) {
    auto rows = database.prepare("SELECT from_seq,to_seq FROM set_aside");
    if (!rows) return rows.error();
    for (;;) {
      const auto row = rows->step();
      if (!row) return row.error();
      if (!*row) return {};
      scan_.set_aside[static_cast<Seq>(rows->integer(0))] = static_cast<Seq>(rows->integer(1));
    }
  }

  void event(Seq seq, std::int64_t crc, std::string_view body) {
    const std::string at = "seq " + std::to_string(seq);
    if (seq != scan_.last + 1) complain("a gap before " + at);
    if (std::int64_t{core::crc32c(body)} != crc) complain(at + " fails its checksum");
    const auto event = codec::decode_event(body);
    if (!event) return complain(at + ": " + core::to_string(event.error()));
    if (event->seq != seq) complain(at + " names another seq");
    if (event->version != ++versions_[event->stream().text()])
      complain(at + " has version " + std::to_string(event->version) + " of " +
               event->stream().text());
    if (event->is_reserved() && event->type == core::kTypeEpochOpened)
      opened(*event, at);
    else if (event->epoch != epoch_ && epoch_.value != 0)
      complain(at + " is of no open epoch");
    epoch_ = event->epoch;
    scan_.seqs[event->id].push_back(seq);
    chain_ = core::chain_next(chain_, body);
    scan_.last = seq;
  }

  void opened(const core::EventView& event, const std::string& at) {
    const auto content = codec::decode_epoch_opened(event.data);
    if (!content) return complain(at + ": " + core::to_string(content.error()));
    if (content->last_seq != event.seq - 1) complain(at + " opens an epoch after another seq");
    if (content->chain && *content->chain != chain_) complain("the chain breaks at " + at);
    if (epoch_.value != 0 && content->previous != epoch_)
      complain(at + " names another epoch as its previous");
    if (event.epoch == epoch_) complain(at + " opens the epoch that is open");
  }

  LaneScan& scan_;
  ChainHash chain_{};
  core::Epoch epoch_;
  std::unordered_map<std::string, std::uint64_t> versions_;
};

}  // namespace

LaneScan scan_lane(const fs::path& lane_folder) {
  LaneScan scan;
  Scanner scanner(scan);
  const auto files = segment_files(lane_folder);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Seq end = i + 1 < files.size() ? files[i + 1].first : UINT64_MAX;
    if (const auto read = scanner.segment(files[i], end); !read)
      scanner.complain(core::to_string(read.error()));
  }
  return scan;
}

}  // namespace sluice::lab
