// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::projection {

// Remembers which keys were ever stored, by hash, in 2 bytes each: one that was not is denied in
// more than 99 of 100 cases, one that was never. It grows up to kKeysMax, 11 MiB; with more of
// them it gives up and denies none. A value; one thread.
class KeyFilter {
 public:
  static constexpr std::size_t kFirstKeys = 4096;
  static constexpr std::size_t kLayers = 6;  // each with room for four times the keys of the last
  static constexpr std::size_t kKeysMax = kFirstKeys * ((1 << 2 * kLayers) - 1) / 3;

  void add(std::size_t hash);
  bool may_hold(std::size_t hash) const;  // false: certainly not added
  bool has_given_up() const { return given_up_; }

 private:
  std::vector<std::vector<std::uint64_t>> layers_;
  std::size_t room_ = 0;  // keys that the last layer takes yet
  bool given_up_ = false;
};

}  // namespace sluice::projection
