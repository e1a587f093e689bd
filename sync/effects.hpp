// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/types.hpp"

namespace sluice::sync {

// Monotonic time since some fixed moment.
using Time = std::chrono::milliseconds;

// What the server said of its own hub stream.
struct HubStream {
  std::string name;             // EVENTS-<shard>
  std::string created;          // as the server writes it
  std::uint64_t first_seq = 0;  // last_seq + 1 if it is empty
  std::uint64_t last_seq = 0;
  std::uint64_t message_bytes_max = 0;  // headers included; 0: no limit
};

// The last message of a subject, as Direct Get gives it.
struct StoredMessage {
  std::uint64_t hub_seq = 0;
  std::string identity;  // its Nats-Msg-Id, empty if it has none
};

// What goes to the hub. Views: nothing is owned.
struct Outgoing {
  const std::string& subject;
  const std::string& identity;
  std::string_view body;
  std::int64_t clock_ns = 0;  // to be added to the event's recorded wall time; 0: nothing is known
};

// What the hub lacks of what it had acknowledged: all of [from, to] is sent again, or stands in gap
// records where it was trimmed.
struct Rewind {
  core::Seq from = 0;
  core::Seq to = 0;
  std::uint64_t events = 0;  // that this log still has
  std::uint64_t bytes = 0;   // about, on the link
  std::string why;           // for people
};

// What the state machines ask of the world. Each question is answered later by a call of the
// machine's method of the same name, never from inside the request.
class Effects {
 public:
  virtual ~Effects() = default;

  // To the hub.
  virtual void ask_anchor(core::Lane lane, const std::string& hub_stream,
                          const std::string& subject) = 0;
  virtual void publish(core::Lane lane, std::uint64_t token, const Outgoing& message) = 0;
  virtual void close_session(core::Error why) = 0;

  // To the log (read) and to `sluiced`, which writes it.
  virtual void read(core::Lane lane, std::uint64_t ticket, core::Seq from, std::size_t rows,
                    std::size_t bytes) = 0;
  virtual void record_acks(core::Lane lane, std::vector<storage::Anchor> anchors) = 0;
  virtual void rewind(core::Lane lane, core::Seq acked) = 0;
  virtual void set_aside(core::Lane lane, const storage::SetAside& range) = 0;
  virtual void alarm(std::string_view type, const std::string& words) = 0;
  // A rewind is on disk and something will be sent again.
  virtual void rewound_by_hub(core::Lane lane, const Rewind& rewind) = 0;
  // The hub has an event of the running epoch that this log does not have: it went back under its
  // writer. Nothing may be sent; the session is closed as well.
  virtual void went_back(core::Lane lane, core::Seq seq, const std::string& words) = 0;

  // For gap records, which are made here: the clocks of now.
  virtual core::Recorded recorded() = 0;
  // What is known now of how wrong the wall clock was at that moment, in ns to be added; 0:
  // nothing.
  virtual std::int64_t clock_correction(const core::Recorded& recorded) = 0;
  // Uniform in [0, bound), bound > 0.
  virtual std::uint64_t random_below(std::uint64_t bound) = 0;
};

}  // namespace sluice::sync
