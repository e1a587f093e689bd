// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "sync/lane_sender.hpp"
#include "sync/repair.hpp"

namespace sluice::sync {

// What a whole session asks for, beside what its lanes do.
class SessionEffects : public Effects {
 public:
  virtual void connect() = 0;         // answered by connected() or connect_failed()
  virtual void ask_hub_stream() = 0;  // answered by hub_stream()
  virtual void claim() = 0;  // is another machine live under our name? answered by claimed()
  virtual void ping() = 0;   // asks for any sign of life; answered by alive()
};

struct ForwarderSettings {
  WindowSettings window;
  LinkWindowSettings link;
  std::array<std::uint64_t, core::kLaneCount> budgets{};  // bytes per second; 0: none
  Time retry_min{500};
  Time retry_max_waiting{15'000};  // between attempts while events wait
  Time retry_max_idle{60'000};
  Time opening_timeout{20'000};  // from connected to the hub stream's and the claim's answers
  // While a session lasts, the hub stream is looked at once in so long: nothing else tells a
  // gateway with nothing to send that it was made anew or cut back.
  Time hub_look_interval{3'600'000};
  // While events wait and nothing is in flight whose answer would tell: a sign of life is asked for
  // after so much silence, and must come.
  Time ping_after{20'000};
  Time ping_timeout{10'000};
};

// The uplink as a state machine: log, session, four lanes by priority. Pure: no I/O, no clock;
// times come in with the calls. Effects::close_session() is answered by session_closed().
class Forwarder {
 public:
  enum class Link { kNoLog, kWaiting, kConnecting, kOpening, kUp, kStopped };

  Forwarder(const Address& address, const ForwarderSettings& settings, SessionEffects& effects);

  void log_opened(std::array<LaneLog, core::kLaneCount> lanes, Time now);
  void log_closed();  // the caller closes the session, if there is one
  // Unacked events went for want of room: the log's rows for them, before tail() tells of the rest.
  void dropped(core::Lane lane, std::vector<storage::SetAside> set_aside);
  void tail(core::Lane lane, core::Seq first, core::Seq last, Time now);
  void rows(core::Lane lane, std::uint64_t ticket,
            core::Result<std::vector<storage::Record>> records, Time now);
  void rewound(core::Lane lane, bool durable, Time now);
  void set_aside_done(core::Lane lane, const storage::SetAside& range, bool durable, Time now);

  void connected(std::size_t max_payload, Time now);
  void connect_failed(core::Error why, Time now);
  void session_closed(core::Error why, Time now);
  void hub_stream(core::Result<HubStream> answer, Time now);
  void claimed(bool go_on, const std::string& words, Time now);
  void anchor(core::Lane lane, core::Result<std::optional<StoredMessage>> answer, Time now);
  void answer(core::Lane lane, std::uint64_t token, const PubAnswer& answer, Time now);
  void need(const codec::Need& need, Time now);
  // The hub's word that its hub stream is not what it was.
  void hub_changed(Time now);
  void alive(Time now);

  // The operator's word for a gateway that was stopped as a clone, or the other one gave way.
  void go_on(Time now);
  // While open: another machine took our name over by an operator's word.
  void stop_as_clone(const std::string& words);

  // The operator's word for rewinds that wait for it.
  void allow_rewinds(Time now);

  void tick(Time now);
  std::optional<Time> deadline() const;
  void others_published();  // see LaneSender
  void flush_acks();

  Link link() const { return link_; }
  const std::string& last_error() const { return last_error_; }
  std::optional<Time> next_try() const;
  const std::optional<HubStream>& hub() const { return hub_; }
  const LaneSender& lane(core::Lane lane) const { return lanes_[core::index(lane)]->sender; }
  bool waiting() const;  // some lane has something to send
  bool settled() const;  // every lane knows where to go on
  bool asks() const;     // a rewind of some lane waits for allow_rewinds()
  // Grows with each answer of the hub and each change of the link, an attempt to connect included.
  std::uint64_t moves() const { return moves_; }
  // Nothing has to move: nothing waits, or only for an operator, a budget or the log.
  bool rests() const;
  const LinkWindow& window() const { return window_; }

 private:
  struct LaneParts {
    LaneParts(const Address& address, core::Lane lane, const ForwarderSettings& settings,
              LinkWindow& window, Effects& effects)
        : budget(settings.budgets[core::index(lane)]),
          sender(address, lane, settings.window, {window, budget}, effects),
          repair(address, lane, window, budget, effects) {}
    Budget budget;
    LaneSender sender;
    Repair repair;
  };
  void start_lanes(Time now);
  void look_at_hub(Time now);
  void looked_at_hub(HubStream found, Time now);
  void suspect_cut(std::uint64_t hub_seq, Time now);
  void pump(Time now);
  void retry_later(Time now);
  void heard(Time now);
  void go_to(Link link);
  bool listens() const;  // for a sign of life
  LaneParts& at(core::Lane lane) { return *lanes_[core::index(lane)]; }

  ForwarderSettings settings_;
  SessionEffects& effects_;
  LinkWindow window_;
  std::array<std::unique_ptr<LaneParts>, core::kLaneCount> lanes_;
  Link link_ = Link::kNoLog;
  bool log_open_ = false;
  bool claimed_ = false;
  std::size_t max_payload_ = 0;
  std::optional<HubStream> hub_;
  int looks_out_ = 0;             // of this session, not yet answered: only the last one counts
  Time looked_{0};                // when the last one was asked for
  std::uint64_t acked_then_ = 0;  // the highest hub-stream sequence that was acked by then
  bool held_ = false;             // the lanes wait for it: the hub stream is in doubt
  std::string last_error_;
  Time until_{0};  // of kWaiting and kOpening
  int failures_ = 0;
  Time heard_{0};
  std::optional<Time> pinged_;
  std::uint64_t moves_ = 0;
};

}  // namespace sluice::sync
