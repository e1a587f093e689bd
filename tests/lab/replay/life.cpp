// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/life.hpp"

namespace sluice::lab {

bool Life::start() {
  if (lane_.is_open()) return true;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (lane_.open()) return true;
    troubled_ = true;
  }
  return false;
}

void Life::took(const core::Result<void>& done) {
  if (done) return;
  troubled_ = true;
  lane_.drop();
  start();
}

void Life::append(std::size_t appends, std::size_t bytes) {
  for (std::size_t i = 0; i < appends; ++i) {
    storage::AppendRequest request;
    request.events.push_back(make_event("pump/7", random_.next() >> 4, bytes));
    request.events.push_back(make_event("valve/3", random_.next() >> 4, 30));
    waiting_.push_back(std::move(request));
  }
  if (!start()) return;
  const std::size_t first = lane_.ledger().appends.size();
  auto asked = waiting_;
  const auto done = lane_.commit(std::move(asked));
  std::vector<storage::AppendRequest> still;
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (lane_.ledger().appends[first + i].answered == kNever)
      still.push_back(std::move(waiting_[i]));
  waiting_ = std::move(still);
  took(done);
}

void Life::live() {
  if (!start()) return;
  for (int round = 0; round < 3; ++round) {
    append(2);
    append(1);
    append(1, round == 1 ? 9000 : 90);
    if (!lane_.is_open()) return;
    lane_.seal();
    took(lane_.ack(lane_.state().last));
    if (!lane_.is_open()) return;
    (void)lane_.trim();
  }
  const core::Seq cursor = lane_.state().acked;
  if (cursor > 1) took(lane_.rewind(cursor - 1));
  if (!lane_.is_open()) return;
  took(lane_.set_aside(
      {lane_.epoch(), lane_.state().last, lane_.state().last, core::GapReason::kOversize}));
  append(1);
  lane_.close();
  if (!start()) return;
  append(1);
  append(1);
  if (lane_.is_open()) lane_.seal();
  lane_.drop();
}

}  // namespace sluice::lab
