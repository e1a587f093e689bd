// SPDX-License-Identifier: Apache-2.0
#include "http/event_stream.hpp"

#include <utility>

#include "core/text.hpp"

namespace sluice::http {

bool EventStream::send(std::string_view piece) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    if (!waiting_.empty() && waiting_.size() + piece.size() > waiting_bytes_max_) {
      refused_ = true;
      return false;
    }
    if (waiting_.empty()) wake = wake_;
    waiting_ += piece;
  }
  if (wake) wake();
  return true;
}

void EventStream::close() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake = wake_;
  }
  if (wake) wake();
}

bool EventStream::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void EventStream::on_change(std::function<void()> changed) {
  const std::lock_guard lock(mutex_);
  changed_ = std::move(changed);
}

std::string EventStream::take(bool& is_last) {
  std::string out;
  std::function<void()> changed;
  {
    const std::lock_guard lock(mutex_);
    out = std::exchange(waiting_, {});
    is_last = closed_;
    if (std::exchange(refused_, false) && !closed_) changed = changed_;
  }
  if (changed) changed();
  return out;
}

void EventStream::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void EventStream::end(bool deliver) {
  std::function<void()> changed;
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(closed_, true)) changed = changed_;
    if (deliver) {
      wake = wake_;
    } else {
      wake_ = {};
      waiting_.clear();
      changed_ = {};  // it may hold the handler's end of this very stream
    }
  }
  if (wake) wake();
  if (changed) changed();
}

std::string server_sent(std::string_view event, std::string_view data, std::string_view id) {
  std::string out;
  out.reserve(data.size() + event.size() + id.size() + 32);
  if (!event.empty()) out.append("event: ").append(event) += '\n';
  if (!id.empty()) out.append("id: ").append(id) += '\n';
  for (const std::string_view line : core::split(data, '\n'))
    out.append("data: ").append(line) += '\n';
  out += '\n';
  return out;
}

}  // namespace sluice::http
