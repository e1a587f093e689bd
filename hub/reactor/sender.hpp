// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "hub/outbound/outbound.hpp"
#include "hub/reactor/delivery_plan.hpp"
#include "hub/reactor/message_maker.hpp"
#include "projection/reactor/outbox.hpp"

namespace sluice::hub {

// What a reaction's sending does, for those who watch.
struct SendingStatus {
  std::uint64_t on_their_way = 0;
  bool paused = false;     // the receiver is away or overloaded
  std::string last_error;  // of the last try that failed; empty after one that did not
};

// Sends a reactor's letters: one thread, with up to `concurrency` messages of each reaction on
// their way. A letter is marked as sent after the receiver took it; a kill in between, or a lost
// answer, sends it again with the same key.
class Sender {
 public:
  using Work = std::function<core::Result<void>(projection::Outbox&)>;
  // Runs its argument with nobody else at the outbox.
  using WithOutbox = std::function<core::Result<void>(const Work&)>;

  Sender(std::shared_ptr<const projection::Reactor> reactor, std::unique_ptr<MessageMaker> maker,
         std::unique_ptr<outbound::Client> client, WithOutbox with_outbox, const core::Clock& clock,
         core::Logger& log);
  ~Sender();  // stops and joins
  void start();
  void stop();  // takes no more letters; what is on its way has kDrainMax to end
  void join();
  void wake();  // there may be new letters; any thread

  SendingStatus status(const std::string& reaction) const;
  // When the thread last showed that it lives (monotonic).
  std::uint64_t alive_ns() const { return alive_ns_.load(); }

 private:
  static constexpr std::uint64_t kDrainMaxNs = 5'000'000'000;
  struct Flight {
    projection::Letter letter;
    bool is_mail = false;
  };
  struct Lane {                  // of one reaction
    std::set<std::string> busy;  // lines with a letter on its way
    std::uint64_t paused_until_ns = 0;
    std::uint64_t pauses = 0;  // in a row
    std::string last_error;
  };
  struct Ended {
    projection::Letter letter;
    Verdict verdict;
    outbound::Answer answer;
  };

  void run();
  void fill(const projection::Reaction& reaction);
  void launch(const projection::Reaction& reaction, projection::Letter letter);
  void settle();
  core::Result<void> record(const Ended& ended);
  std::size_t free_places(const Lane& lane) const;
  void note_error(Lane& lane, const std::string& reaction, const std::string& words);
  void drain();

  const std::shared_ptr<const projection::Reactor> reactor_;
  const std::unique_ptr<MessageMaker> maker_;
  const WithOutbox with_outbox_;
  const core::Clock& clock_;
  core::Logger& log_;

  // The sender's thread only.
  core::SystemRandom random_;
  const std::unique_ptr<outbound::Client> client_;  // but for wake()
  std::map<std::uint64_t, Flight> flights_;         // by letter id
  // Ended, but not yet written down. Nothing new is sent before it is: what cannot be marked as
  // sent would be sent again and again.
  std::vector<Ended> ended_;
  bool stuck_ = false;

  mutable std::mutex mutex_;
  std::map<std::string, Lane> lanes_;  // by reaction; written by the sender's thread
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> alive_ns_{0};
  std::thread thread_;
};

}  // namespace sluice::hub
