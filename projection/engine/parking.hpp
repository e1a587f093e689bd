// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/engine.hpp"

namespace sluice::projection {

// What took no effect and is kept: _sluice_parked (events) and _sluice_refused (messages that are
// not what their subject allows). Within the caller's transaction; after a rollback reload().
class Parking {
 public:
  static core::Result<std::unique_ptr<Parking>> open(Target& target, std::uint64_t bytes_max);

  // A poison event of this stream is parked: its later events go behind it.
  bool is_blocked(const core::EventView& event) const;
  // kLimit: the parked table is full; the model stands still rather than lose an event.
  // False: it was parked before.
  core::Result<bool> park(const core::EventView& event, std::string_view body,
                          std::string_view kind, std::string_view why, std::uint64_t hub_seq,
                          std::int64_t now_ns, std::int64_t clock_ns);
  // False: it was refused before.
  core::Result<bool> refuse(const HubStream& hub, const Incoming& message, std::string_view why,
                            std::int64_t now_ns);
  core::Result<std::vector<ParkedEvent>> list(std::size_t limit);
  core::Result<void> reload();

 private:
  Parking(Target& target, std::uint64_t bytes_max) : target_(target), bytes_max_(bytes_max) {}
  core::Result<void> prepare();

  Target& target_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::unordered_set<std::string> blocked_;  // "gateway/category/entity"
  StatementPtr park_;
  StatementPtr refuse_;
  StatementPtr trim_refused_;
};

}  // namespace sluice::projection
