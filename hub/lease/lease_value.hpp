// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::hub {

// What a key of the bucket SLUICE-LEASES holds, as JSON. There is no time of day in it: how long it
// holds is counted by each reader from when it saw the key change, by its own monotonic clock.
struct LeaseValue {
  std::string worker;   // empty: given back
  std::string session;  // of one start of that worker
  std::uint64_t beat = 0;
  std::chrono::milliseconds ttl{0};
  std::uint64_t token = 0;  // of a shard: under which it is read, or was until it was given back
  bool operator==(const LeaseValue&) const = default;
};
std::string lease_text(const LeaseValue& value);
core::Result<LeaseValue> parse_lease(std::string_view json);  // kCorrupt

// "$KV.SLUICE-LEASES.<hub>.shard.<shard>", "$KV.SLUICE-LEASES.<hub>.worker.<worker>"
std::string shard_lease_subject(std::string_view hub, std::string_view shard);
std::string worker_subject(std::string_view hub, std::string_view worker);

// Orders owners of one shard, and does not go back when the bucket was made anew: minutes of the
// bucket's creation since 2020 above 37 bits of the key's revision. Positive as int64.
std::uint64_t fencing_token(std::int64_t bucket_created_ns, std::uint64_t revision);
// For whoever takes a shard's lease from `before`, which has this revision: above that of all
// before it.
std::uint64_t next_token(std::int64_t bucket_created_ns, std::uint64_t revision,
                         const std::optional<LeaseValue>& before);

}  // namespace sluice::hub
