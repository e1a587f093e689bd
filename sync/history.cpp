// SPDX-License-Identifier: Apache-2.0
#include "sync/history.hpp"

#include <algorithm>

namespace sluice::sync {

std::optional<core::Epoch> History::epoch_of(core::Seq seq) const {
  for (auto epoch = epochs_.rbegin(); epoch != epochs_.rend(); ++epoch)
    if (seq >= epoch->first_seq) return epoch->epoch;
  if (epochs_.empty() || !epochs_.front().opened.previous) return std::nullopt;
  return epochs_.front().opened.previous;
}

std::optional<History::Piece> History::range_of(core::Epoch epoch, core::Seq last) const {
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    const auto& info = epochs_[i];
    const core::Seq end = i + 1 < epochs_.size() ? epochs_[i + 1].first_seq - 1 : last;
    if (info.epoch == epoch) return Piece{epoch, info.first_seq, end, info.opened};
  }
  if (!epochs_.empty() && epoch && epochs_.front().opened.previous == epoch)
    return Piece{epoch, 1, epochs_.front().first_seq - 1, std::nullopt};
  return std::nullopt;
}

bool History::contains(core::Epoch epoch, core::Seq seq, core::Seq last) const {
  const auto range = range_of(epoch, last);
  return range && seq >= range->from && seq <= range->to;
}

bool History::could_contain(core::Epoch epoch, core::Seq seq, core::Seq last) const {
  if (contains(epoch, seq, last)) return true;
  return !epochs_.empty() && !range_of(epoch, last) && seq < epochs_.front().first_seq;
}

bool History::is_running(core::Epoch epoch) const {
  return !epochs_.empty() && epochs_.back().epoch == epoch;
}

bool History::opened_here(core::Epoch epoch) const {
  if (epochs_.empty() || !epoch) return false;
  const std::string& now = epochs_.back().machine;
  const auto here = [&](const std::string& then) {
    return now.empty() || then.empty() || then == now;
  };
  for (const auto& info : epochs_)
    if (info.epoch == epoch) return here(info.machine);
  return epochs_.front().opened.previous == epoch && here(epochs_.front().previous_machine);
}

std::optional<History::Piece> History::first_piece(core::Seq from, core::Seq to) const {
  const auto epoch = epoch_of(from);
  if (!epoch || to < from) return std::nullopt;
  const auto range = range_of(*epoch, to);
  if (!range) return std::nullopt;
  Piece piece{*epoch, from, std::min(to, range->to), std::nullopt};
  if (range->from == from) piece.opened = range->opened;
  // Where the epoch began was trimmed with it. A record from 1 on stands for all of it, and for
  // what came before: without an EpochOpened nothing could ever be applied behind it.
  if (from == 1 && !piece.opened) piece.opened = core::EpochOpened{{}, 0, std::nullopt, "trimmed"};
  return piece;
}

}  // namespace sluice::sync
