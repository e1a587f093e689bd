// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace sluice::gateway {

// Brings work from other threads to the I/O thread, in order: the answers of one commit wake it
// once. Outlives the threads that push.
class IoQueue {
 public:
  explicit IoQueue(boost::asio::io_context& io) : io_(io) {}
  void push(std::function<void()> work);  // any thread; never runs it inside the call

 private:
  void run();
  boost::asio::io_context& io_;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace sluice::gateway
