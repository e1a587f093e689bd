// SPDX-License-Identifier: Apache-2.0
#include "hub/routes/task.hpp"

namespace sluice::hub {

void Task::wake() {
  if (wanted_.fetch_add(1) == 0) worker_.now([self = shared_from_this()] { self->run(); });
}

void Task::wake_in(std::chrono::milliseconds delay) {
  worker_.later(delay, [self = shared_from_this()] { self->wake(); });
}

void Task::run() {
  std::uint64_t wanted = wanted_.load();
  step();
  if (!wanted_.compare_exchange_strong(wanted, 0))
    worker_.now([self = shared_from_this()] { self->run(); });
}

}  // namespace sluice::hub
