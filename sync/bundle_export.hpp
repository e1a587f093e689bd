// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/signature.hpp"
#include "storage/log_reader.hpp"
#include "sync/bundle_reader.hpp"
#include "sync/bundle_writer.hpp"

namespace sluice::sync {

// What to write, and from where. Without `from`: behind each lane's cursor, which is what the hub
// lacks as far as the log knows.
struct ExportOrder {
  std::filesystem::path folder;
  std::string shard = "main";
  std::string machine;
  std::vector<core::Lane> lanes{core::kLanes.begin(), core::kLanes.end()};
  std::optional<core::Seq> from;          // 0: the first event that is retained
  std::uint64_t bytes_max = UINT64_MAX;   // of all bundles of this gateway in the folder
  std::uint64_t file_bytes = 256u << 20;  // below 2 GiB, for FAT
  int level = 3;
};

struct LaneExport {
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;        // the first seq that the hub lacks, 0: nothing
  core::Seq to = 0;          // the last seq that lies in the folder now
  std::uint64_t left = 0;    // seqs for which there was no room
  std::uint64_t events = 0;  // written by this run
  std::uint64_t gaps = 0;
};

struct ExportReport {
  std::vector<LaneExport> lanes;
  std::vector<BundleWriter::Finished> files;  // written by this run
  std::vector<std::filesystem::path> kept;    // were there, whole and of this log
  std::vector<std::string> useless;           // words on files that were not used
  std::uint64_t bytes = 0;                    // of `files`
};

// Told now and then: seqs that are in files so far, of all that are to be.
using ExportProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Goes on where an interrupted run ended: what whole files of this log and key hold already is not
// written again; unfinished ones are removed. An error leaves the finished files: they are good.
core::Result<ExportReport> export_bundles(storage::LogReader& log, const ExportOrder& order,
                                          const core::SigningKey& key, const core::Clock& clock,
                                          const ExportProgress& progress = {});

}  // namespace sluice::sync
