// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {

// A message of a hub stream, with what its reply subject says of it.
struct Pulled {
  Message message;
  std::uint64_t sequence = 0;  // in the hub stream
  std::int64_t stored_ns = 0;  // when the hub stored it, by the hub's wall clock
  std::uint64_t pending = 0;   // messages of the hub stream after it, as of its delivery
  std::optional<std::string> message_id() const { return message.header("Nats-Msg-Id"); }
};

struct PullOptions {
  std::string hub_stream;
  std::uint64_t start = 1;        // first hub-stream sequence wanted; later if it is gone
  bool last_per_subject = false;  // instead of `start`: each subject's last message, then follow
  std::string filter;             // empty: unfiltered, which alone is fast on a big hub stream
  std::size_t batch = 500;        // messages of one pull, 1 to 500
  std::uint64_t batch_bytes = 8u << 20;  // of one pull; must be above the hub's max_payload
  std::chrono::milliseconds expires{30'000};
  std::chrono::milliseconds heartbeat{5'000};  // of the server while a pull waits; < expires / 2
  // The first consumer on a hub stream of 5 million messages took the server 3.6 s.
  std::chrono::milliseconds create_timeout{60'000};
  std::chrono::milliseconds inactive{300'000};  // the server forgets the consumer after that
};

// Reads a hub stream from a place that the caller knows, by raw JetStream requests. The consumer is
// ephemeral, made anew each time, and acknowledges nothing: where reading went on is known only to
// whoever stores what was read. One pull is in flight at a time; the next one is sent when it has
// ended, so that the server works while the caller commits. One thread; must not outlive its
// Connection.
class PullConsumer {
 public:
  // kNotFound: no such hub stream; kUnavailable: no answer, or JetStream is not there (yet); other
  // errors of the server as kIo, with its words and code.
  static core::Result<std::unique_ptr<PullConsumer>> create(Connection& connection,
                                                            const PullOptions& options);
  ~PullConsumer();
  PullConsumer(const PullConsumer&) = delete;
  PullConsumer& operator=(const PullConsumer&) = delete;

  // At most `batch` messages in hub-stream order; fewer when none comes for a few milliseconds,
  // none when `wait` is over. kUnavailable: the connection, the consumer or its hub stream is gone,
  // or the server has gone silent: destroy this, and make a new one.
  core::Result<std::vector<Pulled>> next(std::chrono::milliseconds wait);

  // Ends a next() that waits, from any thread; it returns what it has.
  void interrupt();

  // Messages that the server counted behind the last one delivered, or at creation.
  std::uint64_t pending() const;

 private:
  class Impl;
  explicit PullConsumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What "$JS.ACK...." says of a delivered message, in both forms that servers use.
struct AckSubject {
  std::uint64_t sequence = 0;
  std::int64_t stored_ns = 0;
  std::uint64_t pending = 0;
  static std::optional<AckSubject> parse(std::string_view subject);
};

}  // namespace sluice::nats
