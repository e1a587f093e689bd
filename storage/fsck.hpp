// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::storage {

// Something that is wrong in a log, and where.
struct Flaw {
  core::Lane lane = core::Lane::kTelemetry;
  std::string file;  // the segment's name; empty: of the lane as a whole
  // "head", "structure", "wal", "row", "version", "index", "epoch", "anchor", "chain", "missing"
  std::string what;
  core::Seq from = 0;  // 0: not about seqs
  core::Seq to = 0;
  std::string words;
};

struct FsckResult {
  std::string gateway;  // empty if no head could be read
  std::uint64_t segments = 0;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hashes = 0;           // chain hashes that were told and agree
  std::uint64_t known_missing = 0;    // seqs that gap records stand for: no flaw
  std::uint64_t set_aside_files = 0;  // in the folder damaged/: no flaw
  std::vector<Flaw> flaws;
};

// Checks all of a log: every row's checksum, seq, version and id, the chain against every hash that
// was ever told, epochs, anchors, the indexes and filters of sealed segments, SQLite's structure.
//
// It opens nothing for writing and makes nothing beside the log, not even a -shm, so that it may
// run beside a writer and on a card that is mounted read-only. A segment with a WAL is looked at in
// a copy in $TMPDIR, as big as the segment. `progress` gets the bytes looked at and their sum.
// kNotFound: no log there. kUnsupported: a newer format. kIo: no room for the copy.
core::Result<FsckResult> check_log(
    const std::filesystem::path& folder,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

}  // namespace sluice::storage
