// SPDX-License-Identifier: Apache-2.0
#include "gateway/io_queue.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace sluice::gateway {

void IoQueue::push(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(work));
  }
  if (first) boost::asio::post(io_, [this] { run(); });
}

void IoQueue::run() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(waiting_);
  }
  for (const auto& each : work) each();
}

}  // namespace sluice::gateway
