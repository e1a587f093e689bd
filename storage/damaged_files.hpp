// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

// <folder>/damaged/<lane>/: segments that could not be read whole, as they were found, and beside
// each what became of it. Nothing here is ever opened for writing or removed by a program: it is an
// operator's to look at and to delete.
namespace sluice::storage {

// What was found of a damaged or missing part of a lane, and what could be kept.
struct SalvagedSegment {
  core::Lane lane = core::Lane::kTelemetry;
  std::string file;  // the damaged segment's name; empty: no file was found for the range
  core::Seq first = 0;
  core::Seq last = 0;  // first - 1: nothing is known to have been in it
  std::uint64_t kept = 0;
  std::uint64_t lost = 0;  // seqs of first..last that cannot be read: gap records will stand there
  std::string reason;      // in words, for people
};

// Moves a segment with its -wal there; -shm is dropped. May be interrupted and called again.
core::Result<void> move_to_damaged(const std::filesystem::path& folder, core::Lane lane,
                                   const std::filesystem::path& segment);
// Writes <name>.report (one JSON document) unless it, or <name>.told, is there. Durable.
core::Result<void> write_report(const std::filesystem::path& folder,
                                const SalvagedSegment& salvaged);
// By lane and first seq: those that no event told of yet, or all that are still kept. Unreadable
// reports are passed over.
enum class Told { kNotYet, kAny };
std::vector<SalvagedSegment> read_reports(const std::filesystem::path& folder, Told told);
// An event told of it: .report becomes .told.
core::Result<void> mark_told(const std::filesystem::path& folder, const SalvagedSegment& salvaged);

}  // namespace sluice::storage
