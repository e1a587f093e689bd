// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/result.hpp"

// Names and folders of segments: <folder>/<lane>/<first seq, 20 digits>-<8 hex digits>.seg.
namespace sluice::storage {

struct SegmentFile {
  core::Seq first = 0;
  std::filesystem::path path;
  bool operator==(const SegmentFile&) const = default;
};

// The random part makes sure that a name is never used again, whatever was removed before.
std::string segment_name(core::Seq first, core::Random& random);
std::filesystem::path lane_folder(const std::filesystem::path& folder, core::Lane lane);

// All files of the folder that carry such a name, oldest first. kNotFound: no such folder.
core::Result<std::vector<SegmentFile>> list_segments(const std::filesystem::path& lane_folder);

// Makes a created, removed or renamed entry of the folder durable.
core::Result<void> sync_folder(const std::filesystem::path& folder);
// Creates the folder, if it is not there, and syncs its parent in any case.
core::Result<void> make_folder(const std::filesystem::path& folder);
// Removes a segment with its -wal and -shm, then syncs the folder.
core::Result<void> remove_segment(const std::filesystem::path& path);

// The file was being made when its writer died: it has its first page at most, and no WAL.
bool never_committed(const std::filesystem::path& path);

std::uint64_t wal_bytes(const std::filesystem::path& path);      // 0 if there is none
std::uint64_t segment_bytes(const std::filesystem::path& path);  // with its WAL

}  // namespace sluice::storage
