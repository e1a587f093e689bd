// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "hub/routes/routes.hpp"

namespace sluice::hub {

// Requests that wait for a thread to work on them. The threads' own queue knows neither deadlines
// nor clients that have gone: here each waiter is asked again and again, on a thread that is free
// for it, whether it still waits. Any thread.
class TurnQueue : public std::enable_shared_from_this<TurnQueue> {
 public:
  static constexpr std::chrono::milliseconds kLook{50};

  class Waiter {
   public:
    virtual ~Waiter() = default;
    // False: it does not any more. It answers for itself.
    virtual bool still_waits() = 0;
  };

  TurnQueue(Worker worker, std::size_t most) : worker_(std::move(worker)), most_(most) {}
  bool enter(const std::shared_ptr<Waiter>& waiter);  // false: `most` wait already
  void leave(const Waiter& waiter);                   // its turn has come

 private:
  void look();
  void look_later();

  const Worker worker_;
  const std::size_t most_;
  std::mutex mutex_;
  std::map<const Waiter*, std::weak_ptr<Waiter>> waiting_;
  bool looks_ = false;
};

}  // namespace sluice::hub
