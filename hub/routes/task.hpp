// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "hub/routes/routes.hpp"

namespace sluice::hub {

// Something that goes on in steps, each on a worker thread, never two at once. A wake() during a
// step leads to one more. Alive while a step is due, at once or later, and while somebody keeps it.
// Any thread.
class Task : public std::enable_shared_from_this<Task> {
 public:
  explicit Task(Worker worker) : worker_(std::move(worker)) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  void wake();
  void wake_in(std::chrono::milliseconds delay);

 protected:
  virtual void step() = 0;
  bool is_ending() const { return worker_.ending && worker_.ending(); }

 private:
  void run();
  const Worker worker_;
  std::atomic<std::uint64_t> wanted_{0};
};

}  // namespace sluice::hub
