// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/codec/chain_checker.hpp"
#include "core/ids.hpp"

namespace sluice::cli {

// Checks what a hub stream holds of one gateway against the hash chain that the gateway computed:
// every event's bytes, without its log. The hub stream is handed in twice, in its own order: the
// first time finds the marks and the right order, the second time recomputes the hashes. What came
// too early for its place is kept until its turn. Pure; one thread.
class ChainAudit {
 public:
  explicit ChainAudit(std::string gateway) : gateway_(std::move(gateway)) {}

  struct Message {
    std::string_view subject;
    std::string_view identity;  // Nats-Msg-Id, empty if it has none
    std::string_view body;
    std::uint64_t sequence = 0;
  };
  void index(const Message& message);
  void end_index();
  void check(const Message& message);
  void end();

  struct Finding {
    std::string kind;  // "hole", "altered", "unreadable", "forked", "late", "foreign"
    core::Epoch epoch;
    core::Seq from = 0;
    core::Seq to = 0;
    std::string words;
    bool is_wrong() const { return kind != "forked" && kind != "late"; }
  };
  struct Lane {
    core::Seq first = 0, last = 0;  // found at the hub; 0: nothing
    std::uint64_t epochs = 0;
    std::uint64_t copies = 0;  // second and further copies, with the same bytes
    codec::ChainChecker::Totals totals;
    std::vector<Finding> findings;
  };
  const Lane& lane(core::Lane lane) const { return results_[core::index(lane)]; }
  const std::vector<Finding>& foreign() const { return foreign_; }  // told once each, the first few
  std::uint64_t foreign_count() const { return foreign_count_; }
  std::uint64_t messages() const { return messages_; }
  bool agrees() const;  // no finding that is_wrong()

 private:
  struct Place {
    std::size_t epoch = 0;  // number in epochs, its rank after end_index()
    core::Seq seq = 0;
    core::Seq to = 0;  // of a gap record
    std::uint64_t sequence = 0;
    bool doubled = false;
    bool in_gap = false;  // stored before the gap record that later took its range
    bool operator<(const Place& other) const;
    bool same(const Place& other) const {
      return epoch == other.epoch && seq == other.seq && to == other.to;
    }
  };
  struct KnownEpoch {
    core::Epoch epoch;
    core::Epoch previous;
    core::Seq previous_last = 0;
    std::uint64_t sequence = 0;  // of its EpochOpened, else of what was first seen of it
    bool opened = false;
    core::Seq last = 0;  // found at the hub
    std::size_t rank = 0;
    bool followed = false;
  };
  struct Work {
    std::vector<KnownEpoch> epochs;
    std::unordered_map<std::uint64_t, std::size_t> number;  // epoch -> place in `epochs`
    std::vector<core::Epoch> by_rank;
    std::vector<Place> places;
    std::vector<codec::ChainMark> marks;
    std::optional<codec::ChainChecker> checker;
    std::size_t next = 0;                                     // of places, to be fed
    std::map<std::size_t, std::string> early;                 // place -> body
    std::unordered_map<std::size_t, core::ChainHash> hashes;  // of places that are doubled
  };
  std::optional<core::Identity> identity_of(const Message& message, bool tell);
  void note_epoch(Work& work, core::Lane lane, const core::Identity& identity,
                  const Message& message);
  void rank_epochs(Work& work, Lane& result);
  static void find_stored_before_gap(Work& work);
  void take(Work& work, Lane& result, std::size_t place, std::string_view body);
  void feed(Work& work, Lane& result, const Place& place, std::string_view body);
  void add(Lane& result, Finding finding);

  const std::string gateway_;
  std::array<Work, core::kLaneCount> work_;
  std::array<Lane, core::kLaneCount> results_;
  std::vector<Finding> foreign_;
  std::uint64_t foreign_count_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace sluice::cli
