// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "sqlite/database.hpp"
#include "storage/anchor_book.hpp"
#include "storage/stream_table.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

// Time that the machine was switched on, counted across boots: what retention is measured in, since
// wall clocks of boards without a battery say anything.
struct PoweredTime {
  std::uint64_t ms = 0;            // up to the moment below
  core::Uuid boot;                 // in which boot
  std::uint64_t monotonic_ns = 0;  // when in it
  // The count now. Another boot adds that boot's age; time switched off is not known, nor counted.
  std::uint64_t at(const core::Uuid& now_boot, std::uint64_t now_monotonic_ns) const;
};

// What a segment is and what it starts from.
struct SegmentHead {
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq first_seq = 1;
  core::ChainHash chain{};  // at first_seq - 1
  std::string previous;     // file name of the segment before, empty for the very first
};

// All of a lane that must outlive its trimmed segments. A new segment's first transaction carries
// it whole; between segments it changes in the newest one only.
struct LaneBook {
  std::vector<EpochInfo> epochs;  // oldest first
  AnchorBook anchors;
  std::set<std::string> categories;
  std::vector<SetAside> set_aside;
  std::map<core::Seq, std::uint64_t> acked_segments;  // first seq -> powered ms when wholly acked
  core::Seq trim_after = 0;  // nothing is trimmed while the cursor is below (a rewind runs)
  PoweredTime powered;
};

// Everything below works on a segment's connection, inside the caller's transaction.

// The tables of a segment, with its head and the versions that its streams start from.
core::Result<void> create_tables(sqlite::Database& database, const SegmentHead& head,
                                 const StreamTable& streams);
core::Result<void> save_book(sqlite::Database& database, const LaneBook& book);

// kNotFound: the first transaction was never committed. kUnsupported: a newer format. kCorrupt.
core::Result<SegmentHead> load_head(sqlite::Database& database);
core::Result<LaneBook> load_book(sqlite::Database& database, const SegmentHead& head);
core::Result<void> load_streams(sqlite::Database& database, StreamTable& streams);

core::Result<void> insert_epoch(sqlite::Database& database, const EpochInfo& epoch);
core::Result<void> insert_category(sqlite::Database& database, const std::string& category);
core::Result<void> insert_set_aside(sqlite::Database& database, const SetAside& range);
// Makes the stored anchors equal to the book's, given that those up to `known` already are, and
// stores the acked segments, trim_after and the powered time.
core::Result<void> update_acks(sqlite::Database& database, const LaneBook& book, core::Seq known,
                               std::size_t words_known);

inline constexpr std::int64_t kSegmentFormat = 1;
inline constexpr std::int64_t kSegmentApplication = 0x536c7569;  // "Slui"

}  // namespace sluice::storage
