// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "storage/damaged_files.hpp"
#include "storage/lane_book.hpp"
#include "storage/segment_file.hpp"

// What to do with a segment that cannot be read whole: every row that can be read goes, with its
// seq and its bytes, into a new segment that takes its place, and the old file is set aside.
namespace sluice::storage {

struct SalvageJob {
  std::filesystem::path folder;  // of the log
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  SegmentFile file;
  core::Seq end = 0;                    // the last seq that counts there; 0: not known, the newest
  std::filesystem::path previous = {};  // the segment before it, empty if there is none
  std::vector<EpochInfo> epochs = {};   // of the lane, as far as they are known from elsewhere
  std::string reason = {};              // what is wrong, in words
  bool dry_run = false;                 // only counts
  std::string vfs = {};
};

struct SalvageResult {
  SalvagedSegment counts;
  std::optional<SegmentFile> file;  // that took its place; none: no row could be read
};

// The new segment appears whole or not at all, and what comes after may be interrupted anywhere:
// the next call, or drop_twins at the next start, goes on. No connection to the file may be open.
// kConfig: its rows are another gateway's. kLimit, kIo: no room, or a disk that refuses; the
// damaged file is then where it was.
core::Result<SalvageResult> salvage_segment(const SalvageJob& job, core::Random& random);

// What the table `salvage` of a segment says; empty if it has none.
struct SalvageNote {
  std::string file;  // whose place it took
  core::Seq last = 0;
  std::uint64_t kept = 0;
  std::uint64_t lost = 0;
  std::string reason;
  bool knows_chain = true;  // the chain hash of its head is right
};
core::Result<std::optional<SalvageNote>> load_salvage_note(sqlite::Database& database);

// Cuts a range at the borders of epochs. What lies before all that is known of `epochs` is left
// out.
std::vector<SetAside> split_by_epochs(const std::vector<EpochInfo>& epochs, core::Seq from,
                                      core::Seq to, core::GapReason reason);

}  // namespace sluice::storage
