// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/engine.hpp"

namespace sluice::projection {

// _sluice_parked as operators see it, and the words for what they did with it (_sluice_audit).
// Within the caller's transaction; Parking must reload() after it.
class ParkedBook {
 public:
  explicit ParkedBook(Target& target) : target_(target) {}

  struct Entry {
    std::int64_t id = 0;  // in the order of the lane, within a stream
    ParkedEvent event;
    std::int64_t clock_ns = 0;
  };
  core::Result<std::optional<Entry>> find(const core::Identity& event);
  core::Result<ParkedEvent> event(const core::Identity& event);  // kNotFound
  // All but what waits behind, oldest first, with how many wait. Without bodies.
  core::Result<std::vector<ParkedEvent>> heads(std::size_t limit);
  // What waits behind an event of its stream, from there on.
  core::Result<std::vector<Entry>> behind(const Entry& head, std::int64_t after, std::size_t limit);
  core::Result<std::uint64_t> count_behind(const Entry& head);

  core::Result<void> remove(const Entry& entry);
  core::Result<void> make_poison(const Entry& entry, std::string_view why);
  core::Result<void> audit(std::string_view what, std::string_view detail, std::int64_t now_ns);

 private:
  core::Result<std::vector<Entry>> read(Statement& statement);
  Target& target_;
};

}  // namespace sluice::projection
