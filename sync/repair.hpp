// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>

#include "core/codec/messages.hpp"
#include "sync/budget.hpp"
#include "sync/effects.hpp"
#include "sync/link_window.hpp"
#include "sync/outbox.hpp"

namespace sluice::sync {

// Answers `need`: sends again what the hub asked for, or the gap record of what is not here. One
// question per lane after the other, within the lane's byte budget and at half of the link's pace
// at most; the hub asks again for the rest. Nothing of it touches the window or the cursor. Pure.
class Repair {
 public:
  static constexpr std::size_t kQuestionsMax = 16;  // that wait; more are ignored
  static constexpr std::size_t kEventsMax = 256;    // of one answer
  static constexpr std::size_t kBytesPerStep = 32 * 1024;
  static constexpr std::size_t kBytesUnknown = 8 * 1024;  // per step, while the pace is not known
  static constexpr Time kStep{50};                        // between two steps of an answer
  static constexpr std::uint64_t kToken = 0;              // acks to it are not waited for
  static constexpr std::uint64_t kFirstTicket = 1ull << 62;

  Repair(const Address& address, core::Lane lane, const LinkWindow& window, Budget& budget,
         Effects& effects)
      : address_(address),
        lane_(lane),
        window_(window),
        budget_(budget),
        effects_(effects),
        outbox_(address, lane, effects, kFirstTicket) {}

  // What the log holds, and what was acked: above that the window sends anyway.
  void open(History history, std::vector<storage::SetAside> set_aside);
  void tail(core::Seq first, core::Seq last, core::Seq acked);
  void add_set_aside(const storage::SetAside& range) { outbox_.add_set_aside(range); }
  // Ignored: an epoch that this log does not know, or what is already waiting.
  void need(const codec::Need& need, Time now);
  void rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records);
  void pump(Time now, std::size_t message_bytes_max);
  void stop() {
    active_ = false;
    questions_.clear();
  }
  std::optional<Time> deadline() const;

 private:
  void begin(const codec::Need& need);
  std::size_t bytes_per_step() const;
  void send(const Item& item, Time now);
  Address address_;
  core::Lane lane_;
  const LinkWindow& window_;
  Budget& budget_;
  Effects& effects_;
  Outbox outbox_;
  core::Seq first_ = 1, last_ = 0, acked_ = 0;
  std::deque<codec::Need> questions_;
  bool active_ = false;
  core::Seq to_ = 0;
  std::optional<History::Piece> lost_;
  Time next_step_{0};
};

}  // namespace sluice::sync
