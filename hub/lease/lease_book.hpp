// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::hub {

// Which shards this worker may read, and who reads them: between the keeper of leases, which writes
// it, and the feeds. Any thread.
class LeaseBook {
 public:
  // The keeper's side.
  void grant(const std::string& shard, std::uint64_t token);
  void revoke(const std::string& shard);
  // What outranked() told since the last call: shard -> fence.
  std::map<std::string, std::uint64_t> take_outranked();
  // No feed reads the shard (any more).
  bool is_idle(const std::string& shard) const;

  // A feed's side. enter(): the token under which it may read; nullopt: it may not. What entered
  // must leave, soon after is_granted() has become false.
  std::optional<std::uint64_t> enter(const std::string& shard);
  bool is_granted(const std::string& shard, std::uint64_t token) const;
  bool is_granted(const std::string& shard) const;  // under whatever token
  void leave(const std::string& shard);
  // The read model refused the token that was granted: it has seen this one.
  void outranked(const std::string& shard, std::uint64_t fence);

 private:
  struct Entry {
    std::optional<std::uint64_t> token;
    std::size_t readers = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::uint64_t> outranked_;
};

}  // namespace sluice::hub
