// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>

namespace sluice::gateway {

// How much may wait for a commit. What does not fit waits in line, so that nobody is told `busy` in
// the middle of a pipeline and nobody overtakes; whoever waits is not read meanwhile, so the line
// is as long as there are connections. Pure; one thread.
class Admission {
 public:
  struct Cost {
    std::size_t events = 0;
    std::size_t bytes = 0;
  };
  Admission(std::size_t events_max, std::size_t bytes_max)
      : events_max_(events_max), bytes_max_(bytes_max) {}

  // Runs `start` at once (true) or when its turn has come (false). What alone is more than the
  // limits goes when nothing else is in work.
  bool enter(Cost cost, std::function<void()> start);
  void leave(Cost cost);
  std::size_t events() const { return used_.events; }
  std::size_t waiting() const { return line_.size(); }

 private:
  struct Waiter {
    Cost cost;
    std::function<void()> start;
  };
  bool fits(Cost cost) const;
  void take(Cost cost);
  const std::size_t events_max_;
  const std::size_t bytes_max_;
  Cost used_;
  std::deque<Waiter> line_;
};

}  // namespace sluice::gateway
