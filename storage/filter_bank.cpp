// SPDX-License-Identifier: Apache-2.0
#include "storage/filter_bank.hpp"

#include <algorithm>
#include <utility>

namespace sluice::storage {

void FilterBank::widen() {
  std::vector<std::uint8_t> wider(row_count_ * (stride_ + 1));
  for (std::size_t row = 0; row < row_count_; ++row)
    std::copy_n(rows_.data() + row * stride_, stride_, wider.data() + row * (stride_ + 1));
  rows_ = std::move(wider);
  // The lowest is handed out first.
  for (Column column = 8; column-- > 0;) free_.push_back(static_cast<Column>(stride_ * 8 + column));
  ++stride_;
}

// Sizes are 3 * 2^n bits, so that a smaller filter, repeated, answers as a larger one would.
void FilterBank::heighten(std::size_t rows) {
  const std::size_t before = rows_.size();
  rows_.resize(rows * stride_);
  for (std::size_t at = before; at < rows_.size() && before > 0; ++at)
    rows_[at] = rows_[at - before];
  row_count_ = rows;
}

FilterBank::Column FilterBank::add(const IdFilter& filter) {
  const std::uint64_t bits = filter.bits();
  // A segment that grew far beyond its usual size is folded, at the price of more false hits.
  const std::size_t wanted = std::min<std::uint64_t>(bits, IdFilter::kSliceBitsMax);
  if (wanted > row_count_) heighten(wanted);
  if (free_.empty()) widen();
  const Column column = free_.back();
  free_.pop_back();
  const std::size_t byte = column / 8;
  const auto bit = static_cast<std::uint8_t>(1u << (column % 8));
  const std::uint64_t turns = std::max<std::uint64_t>(bits, row_count_);
  for (std::uint64_t i = 0; i < turns; ++i)
    if (filter.bit(i % bits)) rows_[(i % row_count_) * stride_ + byte] |= bit;
  return column;
}

void FilterBank::remove(Column column) {
  const auto keep = static_cast<std::uint8_t>(~(1u << (column % 8)));
  for (std::size_t row = 0; row < row_count_; ++row) rows_[row * stride_ + column / 8] &= keep;
  free_.push_back(column);
  if (free_.size() < stride_ * 8) return;
  *this = FilterBank();  // the last one went
}

void FilterBank::look_up(const core::Uuid& id, Mask& mask) const {
  mask.bits_.assign(stride_, 0xff);
  if (row_count_ == 0) return;
  IdFilter::Probes probes(id);
  for (std::uint64_t i = 0; i < IdFilter::kProbes; ++i) {
    const std::uint8_t* row = rows_.data() + probes.next(row_count_) * stride_;
    std::uint8_t any = 0;
    for (std::size_t byte = 0; byte < stride_; ++byte)
      any = static_cast<std::uint8_t>(any | (mask.bits_[byte] &= row[byte]));
    if (any == 0) return;
  }
}

}  // namespace sluice::storage
