// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index.hpp"

#include <algorithm>

namespace sluice::storage {

namespace {
constexpr std::size_t kGrowBy = 4096;
}

SegmentIndex::SegmentIndex(core::Seq first_seq)
    : first_seq_(first_seq), by_id_(0, Hash{this}, Equal{this}) {}

void SegmentIndex::push(const core::Uuid& id, StreamTable::Index stream) {
  // Doubling would end at twice what a segment needs, since its last group passes the limit.
  if (ids_.size() == ids_.capacity()) {
    ids_.reserve(ids_.size() + kGrowBy);
    streams_.reserve(ids_.size() + kGrowBy);
  }
  ids_.push_back(id);
  streams_.push_back(stream);
  by_id_.insert(static_cast<std::uint32_t>(ids_.size() - 1));
}

void SegmentIndex::pop() {
  by_id_.erase(static_cast<std::uint32_t>(ids_.size() - 1));
  ids_.pop_back();
  streams_.pop_back();
}

std::optional<core::Seq> SegmentIndex::find(const core::Uuid& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return first_seq_ + *found;
}

std::vector<core::Seq> SegmentIndex::positions(StreamTable::Index stream, std::uint64_t version,
                                               std::uint64_t from, std::size_t limit) const {
  std::vector<core::Seq> seqs;
  for (std::size_t offset = streams_.size(); offset-- > 0 && version >= from && version > 0;) {
    if (streams_[offset] != stream) continue;
    if (version - from < limit) seqs.push_back(first_seq_ + offset);
    --version;
  }
  std::reverse(seqs.begin(), seqs.end());
  return seqs;
}

std::uint64_t SegmentIndex::count(StreamTable::Index stream) const {
  return static_cast<std::uint64_t>(std::count(streams_.begin(), streams_.end(), stream));
}

}  // namespace sluice::storage
