// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "rpc/pack.hpp"
#include "storage/event_log.hpp"

namespace sluice::gateway {

// What this gateway knows of its log having come apart: the newest events ForkSeen that the log
// retains (docs/event-format.md), for `status`. One thread.
class ForkBook {
 public:
  static constexpr std::size_t kKept = 8;
  static constexpr std::string_view kEntity = "fork";
  static constexpr std::string_view kType = "ForkSeen";

  // Reads stream sluice/fork. Does I/O.
  void load(storage::EventLog& log);
  // An event that was just stored; `data` is its encoded map.
  void note(std::string_view data, std::int64_t wall_ns);

  std::uint64_t count() const { return seen_.size(); }
  // [{kind, lane, words, do, at_ns}, ...], the newest first.
  void pack(rpc::Packer& out) const;

  // The data of a ForkSeen. kind: lost_tail, old_copy, clone or snapshot; lane may be empty.
  static std::string data_of(std::string_view kind, std::string_view lane, std::string_view words,
                             std::string_view what_to_do);

 private:
  struct Fork {
    std::string kind, lane, words, what_to_do;
    std::int64_t wall_ns = 0;
  };
  std::deque<Fork> seen_;  // newest first
};

}  // namespace sluice::gateway
