// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/engine.hpp"
#include "projection/engine/event_sink.hpp"
#include "projection/reactor/reactor.hpp"

namespace sluice::projection {

// A message that waits to be sent, or on its way.
struct Letter {
  std::int64_t id = 0;
  std::string key;   // idempotency_key()
  std::string line;  // reaction and stream: one letter of a line is on its way at a time
  std::string reaction;
  std::uint64_t attempts = 0;
  std::string body;  // of its event; the message is made from it for each try
};

struct DeadLetter {
  std::string key, reaction, stream, type, why;
  std::uint64_t attempts = 0;
  std::int64_t made_ns = 0;
  std::int64_t dead_ns = 0;
};

struct OutboxCounts {
  std::string reaction;
  std::uint64_t waiting = 0, dead = 0;
  std::int64_t oldest_ns = 0;  // when the oldest that waits was made; 0: none
  std::uint64_t made = 0, sent = 0, failed = 0, dropped = 0;  // since the database was made
};

// The outbox of a reactor, in the database of the engine whose sink it is: an event's letters are
// written in the transaction in which the gate lets it through, so each event has its letters once,
// whatever is sent, read or built again. Everything but woken() is called with the engine held
// (engine.hpp: one caller at a time).
class Outbox final : public EventSink {
 public:
  static constexpr std::uint64_t kBytesMax = 256u << 20;  // of bodies; then apply() says kLimit

  Outbox(std::shared_ptr<const Reactor> reactor, const core::Clock& clock)
      : reactor_(std::move(reactor)), clock_(clock) {}
  // Called after a batch that brought letters: from the engine's thread.
  void on_letters(std::function<void()> wake) { wake_ = std::move(wake); }

  // Before a hub stream is read, in each session. The first time, with from = "now", everything up
  // to `last` will pass the gate in silence. If the hub stream is another one than it was
  // (`created`), all that passes the gate counts; but if the silent part had not been read to its
  // end (`reached`), it begins anew up to `last`.
  core::Result<void> about_to_read(const HubStream& hub, std::uint64_t last, std::uint64_t reached);

  // At most `limit` letters of a reaction that are due at `now_ns` (monotonic), the first of each
  // line, without the lines that are `busy`.
  core::Result<std::vector<Letter>> take(const std::string& reaction, std::uint64_t now_ns,
                                         std::size_t limit, const std::set<std::string>& busy);
  // How tries ended. Each is a transaction; a letter that was dropped meanwhile is no error.
  // `counts`: as an attempt. Died without a try (there is no message to send): it does not.
  core::Result<void> sent(const Letter& letter);
  core::Result<void> failed(const Letter& letter, bool counts, std::uint64_t due_ns,
                            std::string_view why);
  core::Result<void> died(const Letter& letter, bool counts, std::string_view why);

  core::Result<std::vector<OutboxCounts>> counts();
  core::Result<std::vector<DeadLetter>> dead(std::size_t limit);
  // By key, or all with an empty one. How many there were; with an audit row, synced.
  core::Result<std::uint64_t> retry(std::string_view key);
  core::Result<std::uint64_t> drop(std::string_view key, std::string_view reason);

  // EventSink
  core::Result<void> open(Target& target) override;
  core::Result<std::string> apply(const Applied& applied, const HubStream& hub) override;
  void committed() override;
  void rolled_back() override;

 private:
  core::Result<void> prepare();
  core::Result<void> bury_unknown();
  core::Result<bool> is_silent(const HubStream& hub, std::uint64_t hub_seq);
  core::Result<void> add(const Reaction& reaction, const core::EventView& event,
                         std::string_view body);
  core::Result<void> leave_line(const Letter& letter);
  core::Result<void> count(const std::string& reaction, const char* what, std::uint64_t by);
  core::Result<void> audit(std::string_view what, std::string_view key, std::string_view reason,
                           std::uint64_t count);

  std::shared_ptr<const Reactor> reactor_;
  const core::Clock& clock_;
  std::function<void()> wake_;
  Target* target_ = nullptr;

  std::uint64_t bytes_ = 0;        // of bodies, as committed
  std::uint64_t batch_bytes_ = 0;  // of the batch at hand
  // The silent part of the hub stream at hand.
  HubStream hub_;
  std::uint64_t silent_upto_ = 0;

  std::unique_ptr<Statement> insert_, insert_line_, take_, remove_, failed_, line_due_, line_next_,
      line_remove_, bury_;
};

}  // namespace sluice::projection
