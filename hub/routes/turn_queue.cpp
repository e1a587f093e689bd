// SPDX-License-Identifier: Apache-2.0
#include "hub/routes/turn_queue.hpp"

#include <vector>

namespace sluice::hub {

bool TurnQueue::enter(const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= most_) return false;
  waiting_.emplace(waiter.get(), waiter);
  if (!looks_) look_later();
  looks_ = true;
  return true;
}

void TurnQueue::leave(const Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  waiting_.erase(&waiter);
}

void TurnQueue::look_later() {
  worker_.prompt_later(kLook, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void TurnQueue::look() {
  std::vector<std::shared_ptr<Waiter>> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, waiter] : waiting_)
      if (auto alive = waiter.lock()) waiting.push_back(std::move(alive));
  }
  for (const auto& waiter : waiting)
    if (!waiter->still_waits()) leave(*waiter);
  const std::lock_guard lock(mutex_);
  looks_ = !waiting_.empty();
  if (looks_) look_later();
}

}  // namespace sluice::hub
