// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::storage {

// The version of every stream of a lane, in about 50 bytes each. A stream is added once and keeps
// its index for the life of the process; version 0 means that it has no event (its first one was
// taken back). Not synchronised.
class StreamTable {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  StreamTable();
  StreamTable(const StreamTable&) = delete;  // the set points back here

  Index find(std::string_view name) const;  // kNone if unknown
  Index find_or_add(std::string_view name);

  std::string_view name(Index stream) const;
  std::uint64_t version(Index stream) const { return streams_[stream].version; }
  void set_version(Index stream, std::uint64_t version);

  std::size_t size() const { return streams_.size(); }  // indexes are below this
  std::size_t live() const { return live_; }            // streams with at least one event
  void clear();                                         // all indexes are void then

 private:
  struct Stream {
    std::uint64_t version = 0;
    std::uint32_t name_at = 0;
    std::uint32_t name_size = 0;
  };
  struct Hash {
    using is_transparent = void;
    const StreamTable* table;
    std::size_t operator()(std::string_view name) const noexcept;
    std::size_t operator()(Index stream) const noexcept { return (*this)(table->name(stream)); }
  };
  struct Equal {
    using is_transparent = void;
    const StreamTable* table;
    bool operator()(Index a, Index b) const noexcept { return a == b; }
    bool operator()(std::string_view a, Index b) const noexcept { return a == table->name(b); }
    bool operator()(Index a, std::string_view b) const noexcept { return table->name(a) == b; }
  };

  std::string names_;  // one after the other
  std::vector<Stream> streams_;
  boost::unordered_flat_set<Index, Hash, Equal> by_name_;
  std::size_t live_ = 0;
};

}  // namespace sluice::storage
