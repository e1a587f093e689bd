// SPDX-License-Identifier: Apache-2.0
#include "hub/lease/lease_book.hpp"

#include <algorithm>
#include <utility>

namespace sluice::hub {

void LeaseBook::grant(const std::string& shard, std::uint64_t token) {
  const std::lock_guard lock(mutex_);
  entries_[shard].token = token;
}

void LeaseBook::revoke(const std::string& shard) {
  const std::lock_guard lock(mutex_);
  entries_[shard].token.reset();
}

bool LeaseBook::is_idle(const std::string& shard) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(shard);
  return found == entries_.end() || found->second.readers == 0;
}

std::optional<std::uint64_t> LeaseBook::enter(const std::string& shard) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[shard];
  if (entry.token) ++entry.readers;
  return entry.token;
}

bool LeaseBook::is_granted(const std::string& shard, std::uint64_t token) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(shard);
  return found != entries_.end() && found->second.token == token;
}

bool LeaseBook::is_granted(const std::string& shard) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(shard);
  return found != entries_.end() && found->second.token.has_value();
}

void LeaseBook::outranked(const std::string& shard, std::uint64_t fence) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& highest = outranked_[shard];
  highest = std::max(highest, fence);
}

std::map<std::string, std::uint64_t> LeaseBook::take_outranked() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outranked_, {});
}

void LeaseBook::leave(const std::string& shard) {
  const std::lock_guard lock(mutex_);
  --entries_.at(shard).readers;
}

}  // namespace sluice::hub
