// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/skipped_hole.hpp"

namespace sluice::projection {

// _sluice_skipped: which holes operators stepped over. What was taken over from another database,
// and waits for its hole, is in memory too. Within the caller's transaction; after a rollback, or
// where others write as well, reload().
class Skips {
 public:
  explicit Skips(Target& target) : target_(target) {}

  core::Result<void> reload();
  // All of them, in the order in which they were made.
  static core::Result<std::vector<SkippedHole>> read(Target& target);
  core::Result<void> note(const SkippedHole& hole);

  using Lane = std::pair<std::string, core::Lane>;
  std::vector<Lane> lanes() const;  // in which some wait
  bool any() const { return !waiting_.empty(); }
  std::vector<core::Epoch> epochs(std::string_view gateway, core::Lane lane) const;
  // Why all of this range may be stepped over; empty: nobody said so of all of it.
  std::string reason(const RowRef& row, const HoleRange& range) const;
  // The row is open at `next`: those of it that end below wait no more.
  core::Result<void> passed(const RowRef& row, core::Seq next);

 private:
  using Epochs = std::map<core::Epoch, std::vector<SkippedHole>>;

  Target& target_;
  std::map<Lane, Epochs> waiting_;
};

// Those of `told` that are not in `known`. Pure.
std::vector<SkippedHole> unknown_holes(std::span<const SkippedHole> told,
                                       std::span<const SkippedHole> known);

}  // namespace sluice::projection
