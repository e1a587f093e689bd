// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/lane_book.hpp"
#include "storage/segment_reader.hpp"

namespace sluice::storage {

// What a segment starts from and remembers, out of what can still be read: its own tables where
// they are whole, else the segment before it and its own rows. What cannot be known is chosen so
// that it does no harm: an older cursor sends events again, an unknown chain hash begins a new
// chain, and no version ever goes below what a row shows.
class RebuiltHead {
 public:
  RebuiltHead(const std::string& gateway, core::Lane lane, core::Seq first);

  // `epochs`: of the lane, as far as they are known from elsewhere. kIo: not even a scratch look.
  core::Result<void> load(const std::filesystem::path& path, const std::filesystem::path& previous,
                          const std::vector<EpochInfo>& epochs, const std::string& vfs);
  void note_row(std::string_view body);  // each readable row, ascending
  void finish();                         // after the last row

  SegmentHead head;
  LaneBook book;
  StreamTable streams;  // before the first row
  bool knows_chain = true;

 private:
  void load_own(const std::filesystem::path& path, const std::string& vfs);
  void load_previous(SegmentReader& reader);
  void note_epoch(const core::EventView& event);
  bool knows_head_ = false;
  bool knows_book_ = false;
  bool knows_streams_ = false;
  std::set<std::string> seen_;  // streams that a row showed
  core::Epoch epoch_;           // of the row before
};

}  // namespace sluice::storage
