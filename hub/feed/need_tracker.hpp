// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/ids.hpp"

namespace sluice::hub {

// A range of one lane and epoch that a model waits for.
struct MissingRange {
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;
  core::Seq to = 0;
  bool operator==(const MissingRange&) const = default;
};

// Decides when a hole is asked for on `need.<gateway>`. Pure: time comes in, holes go out.
//
// A healed hole stays out of order in the hub stream for ever, so a consumer that reads it again
// sees a hole that closes by itself a little later. Hence a hole counts only once its consumer has
// read up to what was the hub stream's last sequence when the hole appeared, and still sees it
// kPatience after that. However many consumers see it, it is asked for once, and again with
// back-off, which begins anew whenever part of it came, until none of them sees it. One thread at
// a time.
class NeedTracker {
 public:
  static constexpr std::uint64_t kPatienceNs = 10'000'000'000;
  static constexpr std::uint64_t kBackoffFirstNs = 10'000'000'000;
  static constexpr std::uint64_t kBackoffLastNs = 300'000'000'000;

  // All holes that `consumer` (a name for one model on one shard) sees now. `position` is the last
  // hub-stream sequence that it has read. `hub_last` is the hub stream's last sequence, asked for
  // after these holes were seen; it marks those that are new. A hole that overlaps one seen before
  // is that one, grown or shrunk, and keeps its mark. Holes may come in any order.
  void observe(std::string_view consumer, const std::vector<MissingRange>& holes,
               std::uint64_t position, std::uint64_t hub_last, std::uint64_t now_ns);

  // The same holes as before, read further. Cheap: to be called after each batch.
  void progress(std::string_view consumer, std::uint64_t position, std::uint64_t now_ns);

  // The consumer begins anew: sequences seen so far mean nothing to it now.
  void forget(std::string_view consumer);

  // True if `holes` are exactly what the consumer was last observed with: observe() can be spared.
  bool knows(std::string_view consumer, const std::vector<MissingRange>& holes) const;

  // What has to be published now; call once a second.
  std::vector<MissingRange> due(std::uint64_t now_ns);

 private:
  using LaneKey = std::tuple<std::string, core::Epoch, core::Lane>;
  struct Watched {
    MissingRange hole;
    std::uint64_t mark = 0;                   // read up to here before it counts
    std::optional<std::uint64_t> read_up_ns;  // when that was reached
  };
  struct Asked {
    core::Seq from = 0;
    core::Seq to = 0;
    core::Seq reached = 0;  // the highest beginning that it had
    std::uint64_t asked_ns = 0;
    std::uint64_t again_ns = 0;
    std::uint64_t backoff_ns = 0;
  };
  void drop_closed();
  bool is_due(const MissingRange& hole, std::uint64_t now_ns);

  std::map<std::string, std::vector<Watched>, std::less<>> watched_;  // by consumer
  std::map<LaneKey, std::vector<Asked>> asked_;
};

}  // namespace sluice::hub
