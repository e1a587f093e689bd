// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/ids.hpp"
#include "storage/stream_table.hpp"

namespace sluice::storage {

// What a segment without indexes on disk needs in memory: the id and the stream of each event, in
// about 30 bytes. An offset is seq - first_seq. Not synchronised.
class SegmentIndex {
 public:
  explicit SegmentIndex(core::Seq first_seq);
  SegmentIndex(const SegmentIndex&) = delete;  // the set points back here

  void push(const core::Uuid& id, StreamTable::Index stream);
  void pop();

  std::optional<core::Seq> find(const core::Uuid& id) const;

  // Seqs of the versions from..from+limit-1 of a stream that has `version` after the last event
  // here, oldest first. A walk over four bytes per event: quicker than it would pay to link them.
  std::vector<core::Seq> positions(StreamTable::Index stream, std::uint64_t version,
                                   std::uint64_t from, std::size_t limit) const;
  // How many events of the stream are here.
  std::uint64_t count(StreamTable::Index stream) const;

  core::Seq first_seq() const { return first_seq_; }
  std::size_t size() const { return ids_.size(); }
  const std::vector<core::Uuid>& ids() const { return ids_; }
  const std::vector<StreamTable::Index>& streams() const { return streams_; }

 private:
  struct Hash {
    using is_transparent = void;
    const SegmentIndex* index;
    std::size_t operator()(const core::Uuid& id) const noexcept {
      return std::hash<core::Uuid>{}(id);
    }
    std::size_t operator()(std::uint32_t offset) const noexcept {
      return (*this)(index->ids_[offset]);
    }
  };
  struct Equal {
    using is_transparent = void;
    const SegmentIndex* index;
    bool operator()(std::uint32_t a, std::uint32_t b) const noexcept { return a == b; }
    bool operator()(const core::Uuid& a, std::uint32_t b) const noexcept {
      return a == index->ids_[b];
    }
    bool operator()(std::uint32_t a, const core::Uuid& b) const noexcept {
      return index->ids_[a] == b;
    }
  };

  core::Seq first_seq_;
  std::vector<core::Uuid> ids_;
  std::vector<StreamTable::Index> streams_;
  boost::unordered_flat_set<std::uint32_t, Hash, Equal> by_id_;
};

}  // namespace sluice::storage
