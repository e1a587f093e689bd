// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::http {

// The body of an answer that goes on until one side ends it: server-sent events. A handler makes
// one, puts it into Response::stream and keeps its own reference to write to. Any thread.
class EventStream {
 public:
  static constexpr std::size_t kWaitingBytesMax = 256 * 1024;
  explicit EventStream(std::size_t waiting_bytes_max = kWaitingBytesMax)
      : waiting_bytes_max_(waiting_bytes_max) {}

  // False: it was not taken, because the stream is closed, or because what the client has not read
  // yet fills the buffer; on_change() tells when there is room. An empty buffer takes any piece.
  bool send(std::string_view piece);
  // No more will be sent. What was taken is still delivered.
  void close();
  // The client went away, the server ends, or close() was called.
  bool closed() const;
  // `changed` is called, on some thread and without locks, when there is room after a send() that
  // was refused, and when the stream was closed by the other side. Set it before the answer is
  // given.
  void on_change(std::function<void()> changed);

 private:
  friend class StreamWriter;  // the session's end
  std::string take(bool& is_last);
  void attach(std::function<void()> wake);
  void end(bool deliver);  // by the other side; `deliver`: what waits is still taken

  const std::size_t waiting_bytes_max_;
  mutable std::mutex mutex_;
  std::string waiting_;
  std::function<void()> wake_;  // the session: there is something to write
  std::function<void()> changed_;
  bool refused_ = false;
  bool closed_ = false;
};

// One event of text/event-stream. `data` may have several lines; `event` and `id` have none, and
// are left out where empty. Pure.
std::string server_sent(std::string_view event, std::string_view data, std::string_view id = {});

}  // namespace sluice::http
