// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "storage/types.hpp"

// The events of all benchmarks: bodies of 250 bytes, in streams pump/0 ... pump/999.
namespace sluice::bench {

inline constexpr std::size_t kBodyBytes = 250;
inline constexpr std::size_t kStreams = 1000;
inline constexpr std::string_view kGateway = "bench-1";

enum class Ids { kV7, kRandom };

class Workload {
 public:
  explicit Workload(Ids ids);
  core::Uuid next_id();
  storage::NewEvent next_event();
  std::vector<storage::NewEvent> next_batch(std::size_t events);
  // The params of one rpc `append` with `events` events.
  std::string next_params(std::size_t events, bool with_id);
  std::string_view data() const { return data_; }

 private:
  Ids ids_;
  core::SystemClock clock_;
  core::SeededRandom random_;
  core::UuidV7 ordered_;
  std::string data_;  // {"value": float, "unit": text, "note": text}
  std::size_t next_ = 0;
};

// An encoded body as the log would make it. Its length is kBodyBytes for seqs of 5 digits.
std::string encoded_body(core::Seq seq, const core::Uuid& id, std::string_view data);

}  // namespace sluice::bench
