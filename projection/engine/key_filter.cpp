// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/key_filter.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kKeysPerWord = 4;  // 16 bits each
constexpr int kProbes = 5;

std::uint64_t mixed(std::size_t hash) {
  const std::uint64_t once = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
  return once ^ (once >> 32);
}

// A key's bits lie in one word of a layer, so that asking touches one line of the cache.
std::size_t word_of(std::uint64_t mixed, const std::vector<std::uint64_t>& layer) {
  return mixed & (layer.size() - 1);
}
std::uint64_t bits_of(std::uint64_t mixed) {
  std::uint64_t bits = 0;
  for (int i = 0; i < kProbes; ++i) bits |= std::uint64_t{1} << (mixed >> (34 + 6 * i) & 63);
  return bits;
}

}  // namespace

void KeyFilter::add(std::size_t hash) {
  if (given_up_ || (!layers_.empty() && may_hold(hash))) return;
  if (room_ == 0 && layers_.size() == kLayers) {
    layers_ = {};
    given_up_ = true;
    return;
  }
  if (room_ == 0) {
    room_ = kFirstKeys << 2 * layers_.size();
    layers_.emplace_back(room_ / kKeysPerWord);
  }
  --room_;
  const std::uint64_t key = mixed(hash);
  layers_.back()[word_of(key, layers_.back())] |= bits_of(key);
}

bool KeyFilter::may_hold(std::size_t hash) const {
  if (given_up_) return true;
  const std::uint64_t key = mixed(hash);
  const std::uint64_t bits = bits_of(key);
  for (const auto& layer : layers_)
    if ((layer[word_of(key, layer)] & bits) == bits) return true;
  return false;
}

}  // namespace sluice::projection
