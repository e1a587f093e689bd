// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace sluice::storage {

// A Bloom filter over the event ids of a sealed segment, 24 bits each and 12 probes: a new id reads
// no page of 99.998 % of the old segments. The smallest and the largest id are kept beside it,
// since UUIDv7 ascend and then not even the filter is looked at. Its bytes are part of the log's
// format; older segments have 12 bits and 8 probes, which are the first 8 of the 12.
class IdFilter {
 public:
  static constexpr std::uint64_t kProbes = 12;
  static constexpr std::uint64_t kOldProbes = 8;
  // The size for 65,536 ids. All sizes are 3 * 2^n, so that a position in a small one is that in a
  // large one modulo its size.
  static constexpr std::uint64_t kSliceBitsMax = 3ull << 19;

  static IdFilter build(const std::vector<core::Uuid>& ids);
  // Bytes as bytes() gave them.
  static IdFilter load(std::string_view bits, const core::Uuid& smallest, const core::Uuid& largest,
                       std::uint64_t probes);

  bool may_hold(const core::Uuid& id) const;  // false: certainly not there
  // Only the smallest and the largest id: may_hold() then knows no more.
  IdFilter without_bits() const;

  bool is_sliceable() const;  // of this version's shape
  std::uint64_t bits() const { return std::uint64_t{8} * bits_.size(); }
  bool bit(std::uint64_t at) const {
    return (static_cast<unsigned char>(bits_[at / 8]) >> (at % 8) & 1) != 0;
  }
  std::uint64_t probes() const { return probes_; }
  const std::string& bytes() const { return bits_; }
  const core::Uuid& smallest() const { return smallest_; }
  const core::Uuid& largest() const { return largest_; }

  // The positions that an id sets, one after the other.
  class Probes {
   public:
    explicit Probes(const core::Uuid& id);
    std::uint64_t next(std::uint64_t bits) {
      const std::uint64_t at = position_ % bits;
      position_ += step_;
      return at;
    }

   private:
    std::uint64_t position_;
    std::uint64_t step_;
  };

 private:
  std::string bits_;
  core::Uuid smallest_;
  core::Uuid largest_;
  std::uint64_t probes_ = kProbes;
};

}  // namespace sluice::storage
