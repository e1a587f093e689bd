// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "storage/types.hpp"

namespace sluice::sync {

// Which seqs of a lane belong to which epoch of this log, as far as the log still knows. Pure.
class History {
 public:
  // A run of seqs within one epoch. `opened` is set if it begins with the epoch's EpochOpened.
  struct Piece {
    core::Epoch epoch;
    core::Seq from = 0;
    core::Seq to = 0;
    std::optional<core::EpochOpened> opened;
  };

  History() = default;
  explicit History(std::vector<storage::EpochInfo> epochs) : epochs_(std::move(epochs)) {}

  bool empty() const { return epochs_.empty(); }
  // The oldest epoch has only a name: it is known as the predecessor of the first one retained.
  std::optional<core::Epoch> epoch_of(core::Seq seq) const;
  // This log gave that seq in that epoch. False for an epoch that it does not know.
  bool contains(core::Epoch epoch, core::Seq seq, core::Seq last) const;
  // True as well for what lies below all that is known, where nothing speaks against it.
  bool could_contain(core::Epoch epoch, core::Seq seq, core::Seq last) const;
  // The seqs of an epoch: [first, last], first = 1 if only its end is known.
  std::optional<Piece> range_of(core::Epoch epoch, core::Seq last) const;
  bool is_running(core::Epoch epoch) const;
  // Nothing was in this lane before the running epoch.
  bool is_new() const { return epochs_.size() == 1 && !epochs_.front().opened.previous; }
  // The last seq before the running epoch; 0 if there was none. Not of an empty history.
  core::Seq last_before_start() const { return epochs_.back().first_seq - 1; }
  // Opened by the machine that runs now, as far as that is known: what another one wrote is that
  // one's to answer for. False for an epoch that this log does not know.
  bool opened_here(core::Epoch epoch) const;
  // The first piece of [from, to].
  std::optional<Piece> first_piece(core::Seq from, core::Seq to) const;

 private:
  std::vector<storage::EpochInfo> epochs_;  // oldest first
};

}  // namespace sluice::sync
