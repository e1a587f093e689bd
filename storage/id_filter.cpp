// SPDX-License-Identifier: Apache-2.0
#include "storage/id_filter.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::storage {
namespace {

constexpr std::uint64_t kBitsPerId = 12;
constexpr std::uint64_t kProbes = 8;

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

// Probe i looks at bit (h1 + i * h2) mod 2^64 mod bits. On disk: never change.
struct Probe {
  std::uint64_t position;
  std::uint64_t step;
  explicit Probe(const core::Uuid& id)
      : position(mix(big_endian(id.bytes.data()) + 0x9e3779b97f4a7c15u)),
        step(mix(big_endian(id.bytes.data() + 8) ^ position) | 1) {}
};

}  // namespace

IdFilter IdFilter::build(const std::vector<core::Uuid>& ids) {
  IdFilter filter;
  const std::uint64_t bytes = std::max<std::uint64_t>(8, (ids.size() * kBitsPerId + 7) / 8);
  filter.bits_.assign(bytes, '\0');
  if (!ids.empty()) {
    const auto [smallest, largest] = std::minmax_element(ids.begin(), ids.end());
    filter.smallest_ = *smallest;
    filter.largest_ = *largest;
  }
  for (const core::Uuid& id : ids) {
    Probe probe(id);
    for (std::uint64_t i = 0; i < kProbes; ++i, probe.position += probe.step) {
      const std::uint64_t bit = probe.position % (bytes * 8);
      filter.bits_[bit / 8] =
          static_cast<char>(static_cast<unsigned char>(filter.bits_[bit / 8]) | (1u << (bit % 8)));
    }
  }
  return filter;
}

IdFilter IdFilter::load(std::string_view bits, const core::Uuid& smallest,
                        const core::Uuid& largest) {
  IdFilter filter;
  filter.bits_ = bits;
  filter.smallest_ = smallest;
  filter.largest_ = largest;
  return filter;
}

bool IdFilter::may_hold(const core::Uuid& id) const {
  if (bits_.empty() || id < smallest_ || largest_ < id) return false;
  Probe probe(id);
  const std::uint64_t bits = bits_.size() * 8;
  for (std::uint64_t i = 0; i < kProbes; ++i, probe.position += probe.step) {
    const std::uint64_t bit = probe.position % bits;
    if ((static_cast<unsigned char>(bits_[bit / 8]) & (1u << (bit % 8))) == 0) return false;
  }
  return true;
}

}  // namespace sluice::storage
