// SPDX-License-Identifier: Apache-2.0
#include "storage/id_filter.hpp"

#include <algorithm>
#include <bit>

namespace sluice::storage {
namespace {

// At least; 24 in a full segment of 65,536 events, also if its last commit went a little beyond.
constexpr std::uint64_t kBitsPerId = 23;
constexpr std::uint64_t kBitsMin = 3ull << 5;  // whole bytes

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | bytes[i];
  return value;
}

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The smallest 3 * 2^n that gives each id its bits.
std::uint64_t bits_for(std::size_t ids) {
  return 3 * std::bit_ceil(std::max(kBitsMin, ids * kBitsPerId) / 3);
}

}  // namespace

// Probe i is at (h1 + i * h2) mod 2^64 mod bits. On disk: never change.
IdFilter::Probes::Probes(const core::Uuid& id)
    : position_(mix(big_endian(id.bytes.data()) + 0x9e3779b97f4a7c15u)),
      step_(mix(big_endian(id.bytes.data() + 8) ^ position_) | 1) {}

IdFilter IdFilter::build(const std::vector<core::Uuid>& ids) {
  IdFilter filter;
  filter.bits_.assign(bits_for(ids.size()) / 8, '\0');
  if (!ids.empty()) {
    const auto [smallest, largest] = std::minmax_element(ids.begin(), ids.end());
    filter.smallest_ = *smallest;
    filter.largest_ = *largest;
  }
  for (const core::Uuid& id : ids) {
    Probes probes(id);
    for (std::uint64_t i = 0; i < kProbes; ++i) {
      const std::uint64_t at = probes.next(filter.bits());
      filter.bits_[at / 8] =
          static_cast<char>(static_cast<unsigned char>(filter.bits_[at / 8]) | (1u << (at % 8)));
    }
  }
  return filter;
}

IdFilter IdFilter::load(std::string_view bits, const core::Uuid& smallest,
                        const core::Uuid& largest, std::uint64_t probes) {
  IdFilter filter;
  filter.bits_ = bits;
  filter.smallest_ = smallest;
  filter.largest_ = largest;
  filter.probes_ = probes;
  return filter;
}

bool IdFilter::may_hold(const core::Uuid& id) const {
  if (id < smallest_ || largest_ < id) return false;
  if (bits_.empty()) return true;
  Probes probes(id);
  for (std::uint64_t i = 0; i < probes_; ++i)
    if (!bit(probes.next(bits()))) return false;
  return true;
}

IdFilter IdFilter::without_bits() const {
  return load({}, smallest_, largest_, probes_);
}

bool IdFilter::is_sliceable() const {
  return probes_ == kProbes && bits() >= kBitsMin && bits() % 3 == 0 &&
         std::has_single_bit(bits() / 3);
}

}  // namespace sluice::storage
