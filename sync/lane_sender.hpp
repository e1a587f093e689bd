// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sync/anchor_list.hpp"
#include "sync/budget.hpp"
#include "sync/effects.hpp"
#include "sync/link_window.hpp"
#include "sync/outbox.hpp"
#include "sync/pub_ack.hpp"

namespace sluice::sync {

struct WindowSettings {
  std::size_t events_max = 256;
  std::size_t bytes_max = 128 * 1024;
  Time ack_timeout{10'000};  // without any ack of the lane; doubles while nothing comes back
  Time ack_timeout_max{160'000};
  Time retry_min{200};  // pause after a refusal, doubling with jitter
  Time retry_max{15'000};
  std::uint64_t rewind_ask_bytes = 0;  // a rewind above this waits for an operator; 0: none does
  Time rewind_jitter{0};               // a rewind begins within this, the sooner the smaller it is
};

// What of a lane all its senders share: the session's window, and the lane's own budget.
struct LinkShare {
  LinkWindow& window;
  Budget& budget;
};

// What the log says of a lane when it is opened.
struct LaneLog {
  storage::LaneState state;
  std::vector<storage::EpochInfo> epochs;
  std::vector<storage::Anchor> anchors;  // oldest first
  std::vector<storage::SetAside> set_aside;
  std::uint64_t event_bytes = 0;  // about the size of one event; 0: not known
};

// One lane's way to the hub: finds where to go on, then sends in order within a window and goes
// back to the lowest unacked event whenever anything goes wrong. Only acks without a hole below
// them move the cursor. Pure: no I/O, no clock; calls Effects, which never call back from inside.
class LaneSender {
 public:
  LaneSender(const Address& address, core::Lane lane, const WindowSettings& settings,
             LinkShare share, Effects& effects);

  // The log was opened (again): all that was known of it is replaced.
  void open(LaneLog log);
  void tail(core::Seq first, core::Seq last);
  // What was not acked went for want of room: the rows that stand for it, as they are on disk.
  void dropped(std::vector<storage::SetAside> set_aside) {
    outbox_.set_set_aside(std::move(set_aside));
  }
  void rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records);

  // A session: from here on the lane asks for its newest anchor, rewinds if that does not hold, and
  // then sends what pump() finds room for.
  void start(const HubStream& hub, std::size_t max_payload, Time now);
  // Within an open session: sends nothing until start() comes again. Answers on their way to what
  // was asked or sent before say nothing more.
  void hold();
  void anchor(const std::optional<StoredMessage>& stored, Time now);
  void rewound(bool durable, Time now);
  // The operator's word for the rewind that waits for it, and for all until it is done.
  void allow_rewind(Time now);
  void set_aside_done(const storage::SetAside& range, bool durable, Time now);
  void answer(std::uint64_t token, const PubAnswer& answer, Time now);
  // Someone else may have sent any event of this log, or of another under the same name.
  void others_published();
  void stop();  // the session is over; nothing is in flight any more

  bool pump(Time now);  // publishes what fits; true if anything was published
  void tick(Time now);
  std::optional<Time> deadline() const;  // when tick() has something to do
  // The hub gave this hub-stream sequence away again: what it had acknowledged there and above may
  // be gone. Holds; the next start() goes on below it, or from the first retained event if the hub
  // stream is another one now.
  void suspect_cut(std::uint64_t hub_seq);
  // Set by an ack that shows it: its hub-stream sequence. The owner tells all lanes.
  std::optional<std::uint64_t> take_cut() { return std::exchange(cut_, std::nullopt); }
  void flush_acks();  // hands out what was acked and not yet recorded

  core::Seq acked() const { return acked_; }
  // The log's cursor is above ours, and no rewind of ours is on its way there.
  bool is_behind(core::Seq logged) const { return logged > acked_ && !rewind_unconfirmed_; }
  core::Seq last() const { return outbox_.last(); }
  core::Seq sent() const { return outbox_.next() - 1; }
  bool waiting() const { return acked_ < outbox_.last(); }  // there is something to be sent
  bool sending() const { return phase_ == Phase::kSending; }
  bool in_flight() const { return !window_.empty(); }
  bool asks() const { return phase_ == Phase::kAsking; }  // waits for allow_rewind()
  // The highest that the hub acknowledged to this lane, as far as this session knows; 0: nothing.
  std::uint64_t hub_seq() const { return top_ ? top_->hub_seq : 0; }
  // Waits for its budget, or for its moment in a fleet's rewinds.
  bool saves() const { return affordable_at_.has_value() || phase_ == Phase::kJitter; }
  // Set while what the hub lost is not all acked again, or waits to be sent.
  const std::optional<Rewind>& rewinding() const { return rewinding_; }
  std::uint64_t rewinds() const { return rewinds_; }  // of this process
  std::uint64_t rewound_events() const { return rewound_events_; }
  const History& history() const { return outbox_.history(); }
  const Outbox& outbox() const { return outbox_; }
  const std::string& last_refusal() const { return last_refusal_; }
  std::uint64_t acked_events() const { return acked_events_; }

 private:
  enum class Phase {
    kIdle,
    kChecking,   // asked the hub for an anchor
    kRewinding,  // asked `sluiced` to set the cursor back
    kAsking,     // a rewind waits for an operator
    kJitter,     // a rewind waits for its moment
    kSending,
    kDraining,      // something was refused: the rest of the window comes in
    kPaused,        // after a refusal
    kSettingAside,  // asked `sluiced` to store a range that is never sent
  };
  struct InFlight {
    std::uint64_t token = 0;
    core::Epoch epoch;
    core::Seq from = 0;
    core::Seq to = 0;
    std::size_t bytes = 0;
    LinkWindow::Sent sent;
    bool fresh = false;     // was never sent before
    bool resolved = false;  // acked or refused
    bool acked = false;
    std::uint64_t hub_seq = 0;
    std::string subject;
    std::string identity;
  };

  void walk(Time now);
  void finish_walk(Time now);
  void no_longer(std::string why);
  bool went_back(const std::optional<StoredMessage>& stored);
  Rewind size_up(core::Seq acked, core::Seq to) const;
  void begin_rewound(bool fresh, Time now);
  bool holds(const storage::Anchor& anchor, const std::optional<StoredMessage>& stored) const;
  void begin_sending();
  void go_back(Time now);
  void accept(InFlight& item, const PubAck& ack);
  void refuse(InFlight& item, const PubError& error, Time now);
  void advance(Time now);
  void note_anchor();
  void after_drain(Time now);
  void begin_set_aside(const storage::SetAside& range);
  bool too_large(const Item& item) const;

  core::Lane lane_;
  WindowSettings settings_;
  LinkShare share_;
  Effects& effects_;
  Outbox outbox_;
  Phase phase_ = Phase::kIdle;

  AnchorList anchors_;                       // oldest first; the newest is the cursor
  std::vector<storage::Anchor> unrecorded_;  // acked, not yet handed to `sluiced`
  core::Seq acked_ = 0;
  core::Seq sent_max_ = 0;  // highest seq that may have been sent before, by anyone of this log
  std::optional<storage::Anchor> top_;  // the message with the highest hub-stream sequence

  HubStream hub_;
  std::size_t message_bytes_max_ = 0;
  int rewinds_out_ = 0;    // not yet answered
  int questions_out_ = 0;  // about anchors, in this session: only the last one counts
  std::size_t walk_ = 0;   // anchors that are still in question
  bool must_rewind_ = false;
  bool others_ = false;  // see others_published(); until the next message is sent
  // Cut back in memory, but the log has not said that it is on disk: the next session asks again.
  bool rewind_unconfirmed_ = false;
  std::string why_;                  // the newest anchor does not hold
  std::uint64_t event_bytes_ = 512;  // about, on the link: a mean of the latest
  std::optional<Rewind> rewinding_;
  bool rewind_is_new_ = false;  // not yet told, and not yet begun
  bool rewind_allowed_ = false;
  std::uint64_t rewinds_ = 0;
  std::uint64_t rewound_events_ = 0;

  std::deque<InFlight> window_;
  std::size_t window_bytes_ = 0;
  std::optional<Time> affordable_at_;  // the budget lets the next item go then
  std::size_t window_events_ = 64;     // adaptive limit
  std::uint64_t next_token_ = 1;
  std::uint64_t order_token_ = 0;  // newest token whose ack was no duplicate, and what it got
  std::uint64_t order_hub_seq_ = 0;
  std::optional<storage::SetAside> to_set_aside_;
  std::optional<std::uint64_t> cut_;
  // Kept until a walk has taken it into account, also beyond the session.
  std::optional<std::uint64_t> cut_below_;
  Time progress_{0};
  Time until_{0};  // of kDraining, kPaused and kJitter
  Time ack_timeout_;
  int refusals_ = 0;
  std::string last_refusal_;
  std::uint64_t acked_events_ = 0;
};

}  // namespace sluice::sync
