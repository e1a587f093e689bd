// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/id_filter.hpp"

namespace sluice::storage {

// The id filters of many segments, turned by a quarter: a row per bit of a filter, with one bit per
// segment. To ask all of them for an id takes as many memory accesses as to ask one, so that what a
// new id costs does not grow with the number of retained segments. Three bytes per id in full
// segments: 30 MB for 10 million. One thread.
class FilterBank {
 public:
  using Column = std::uint32_t;
  class Mask {
   public:
    bool has(Column column) const { return (bits_[column / 8] >> (column % 8) & 1) != 0; }

   private:
    friend class FilterBank;
    std::vector<std::uint8_t> bits_;
  };

  // Of filters that fit: made by this version of IdFilter. Gives the segment's column.
  static bool fits(const IdFilter& filter) { return filter.is_sliceable(); }
  Column add(const IdFilter& filter);
  void remove(Column column);
  // `mask` says for each column whether its segment may hold the id.
  void look_up(const core::Uuid& id, Mask& mask) const;

  std::size_t bytes() const { return rows_.size(); }

 private:
  void widen();                     // by eight columns
  void heighten(std::size_t rows);  // a filter with more bits than any before

  std::size_t row_count_ = 0;
  std::size_t stride_ = 0;  // bytes of a row
  std::vector<std::uint8_t> rows_;
  std::vector<Column> free_;
};

}  // namespace sluice::storage
