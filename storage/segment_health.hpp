// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "storage/lane_book.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_reader.hpp"

namespace sluice::storage {

// kConfig: another gateway's. kCorrupt: it is the segment of another lane or seq.
core::Result<void> check_segment_head(const SegmentHead& head, const SegmentFile& file,
                                      const std::string& gateway, core::Lane lane);

// Every row from the first to `last` is there and matches its checksum, but for the holes that a
// salvage left. `last` 0: as far as it goes. Gives the last seq. kCorrupt.
core::Result<core::Seq> check_segment_rows(SegmentReader& reader, core::Seq last);

// The error tells of damage that a salvage can get round, not of a disk that refuses for now.
bool is_damage(const core::Error& error, const std::filesystem::path& path);

// kUnsupported if a segment of any lane has a newer format. Looks at headers only and leaves the
// folder as it is, to the byte.
core::Result<void> check_formats(const std::filesystem::path& folder);

}  // namespace sluice::storage
