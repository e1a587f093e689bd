// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "sync/nats/handles.hpp"

namespace sluice::nats {

// nats.c may call back after the object that asked for it is gone, so what it holds is a number,
// never a pointer. Ends with the object: then no call is running and none will come.
class CallbackSlot {
 public:
  struct Handlers {
    std::function<void(natsMsg*)> on_message;  // owns the message
    std::function<void(core::Error)> on_error;
    std::function<void()> on_closed;
  };
  explicit CallbackSlot(Handlers handlers);
  ~CallbackSlot();
  CallbackSlot(const CallbackSlot&) = delete;
  CallbackSlot& operator=(const CallbackSlot&) = delete;

  void* closure() const;  // what to hand to nats.c

  static void message(natsConnection*, natsSubscription*, natsMsg* message, void* closure) noexcept;
  static void error(natsConnection*, natsSubscription*, natsStatus status, void* closure) noexcept;
  static void closed(natsConnection*, void* closure) noexcept;

 private:
  std::uintptr_t number_;
};

}  // namespace sluice::nats
