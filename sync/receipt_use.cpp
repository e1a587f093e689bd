// SPDX-License-Identifier: Apache-2.0
#include "sync/receipt_use.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::sync {

using core::Errc;
using core::fail;
using core::Result;

namespace {

bool join(const Receipt& a, const Receipt& b) {
  return a.gateway == b.gateway && a.lane == b.lane && a.shard == b.shard &&
         a.anchor.hub_stream == b.anchor.hub_stream && a.anchor.created == b.anchor.created &&
         b.from <= a.to + 1;
}

}  // namespace

std::vector<Receipt> joined(std::vector<Receipt> receipts) {
  std::sort(receipts.begin(), receipts.end(), [](const Receipt& a, const Receipt& b) {
    return std::tuple(core::index(a.lane), a.from, a.to) <
           std::tuple(core::index(b.lane), b.from, b.to);
  });
  std::vector<Receipt> out;
  for (auto& next : receipts) {
    if (out.empty() || !join(out.back(), next)) {
      out.push_back(std::move(next));
      continue;
    }
    Receipt& last = out.back();
    if (next.anchor.hub_seq > last.anchor.hub_seq) last.anchor = next.anchor;
    last.to = std::max(last.to, next.to);
    last.anchor.acked = last.to;
    last.pieces.insert(last.pieces.end(), next.pieces.begin(), next.pieces.end());
  }
  return out;
}

Result<bool> advances(const Receipt& receipt, const storage::LaneState& state,
                      const History& history) {
  if (receipt.to <= state.acked) return false;
  const std::string lane(core::lane_name(receipt.lane));
  // First: to another card's receipt no other one can be given.
  for (const auto& piece : receipt.pieces)
    if (piece.to > state.acked &&
        (!history.contains(piece.epoch, std::max(piece.from, state.acked + 1), state.last) ||
         !history.contains(piece.epoch, piece.to, state.last)))
      return fail(Errc::kBadRequest, "it speaks of events of epoch " + piece.epoch.text() +
                                         " in lane " + lane +
                                         " that this log did not write: it is another card's");
  // Nothing was ever acked, and what came before was never kept: there is nothing to be missed.
  const bool joins =
      receipt.from <= state.acked + 1 || (state.acked == 0 && receipt.from <= state.first);
  if (!joins)
    return fail(Errc::kBadRequest, "it begins at seq " + std::to_string(receipt.from) +
                                       " of lane " + lane +
                                       ", and the hub is not known to have those from " +
                                       std::to_string(state.acked + 1) +
                                       " on: give the receipts of the bundles before it as well");
  return true;
}

}  // namespace sluice::sync
