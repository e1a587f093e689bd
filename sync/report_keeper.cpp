// SPDX-License-Identifier: Apache-2.0
#include "sync/report_keeper.hpp"

#include <algorithm>

namespace sluice::sync {

namespace {
constexpr int kConflictsMax = 5;
constexpr Time kAnswerLimit{30'000};
// An import writes its turn anew every ten seconds.
constexpr Time kTurnAlive{60'000};
constexpr std::string_view kGiveWay =
    "a bundle import publishes for this gateway: waiting until it is done";
constexpr int kIntervalsAlive = 3;  // an entry older than that is of a machine that is gone
}  // namespace

void ReportKeeper::begin(bool told, Time now) {
  state_ = State::kLooking;
  told_ = told;
  claimed_ = false;
  conflicts_ = 0;
  written_ = now;
  effects_.get_report();
}

void ReportKeeper::write(State state, std::uint64_t revision, bool stopped) {
  state_ = state;
  revision_ = revision;
  changed_ = false;
  if (state != State::kGivingWay) turn_.reset();
  effects_.put_report(revision, stopped);
}

std::string ReportKeeper::other_words() const {
  return "machine " + other_machine_ + " reports under this gateway's name";
}

void ReportKeeper::got(core::Result<std::optional<StoredReport>> entry, Time now) {
  if (state_ != State::kLooking && state_ != State::kTiming && state_ != State::kChecking) return;
  if (!entry) return without_bucket(entry.error().message, now);
  if (*entry && state_ != State::kTiming) {
    if ((*entry)->report.turn) effects_.others_published();
    if (has_turn(**entry, now)) return give_way(**entry, now);
  }
  if (state_ == State::kLooking) return look(*entry);
  if (state_ == State::kTiming) return time_other(*entry);
  check(*entry);
}

void ReportKeeper::look(Time now) {
  if (state_ != State::kHeld) return;
  state_ = State::kChecking;
  asked_ = now;
  effects_.get_report();
}

// Whoever has the turn writes it anew all the time. Nothing but the entry's own changes is needed
// to see that it lives, so no clock but ours is.
bool ReportKeeper::has_turn(const StoredReport& entry, Time now) {
  const auto& turn = entry.report.turn;
  if (!turn || turn->state == codec::Report::Turn::State::kDone) return false;
  if (turn_revision_ != entry.revision) {
    turn_revision_ = entry.revision;
    turn_since_ = now;
  }
  return now - turn_since_ < kTurnAlive;
}

void ReportKeeper::give_way(const StoredReport& entry, Time now) {
  asked_ = now;
  using Turn = codec::Report::Turn;
  if (entry.report.turn->state == Turn::State::kGivenWay) {
    state_ = State::kOff;
    return effects_.give_way(std::string(kGiveWay));
  }
  turn_ = Turn{entry.report.turn->importer, Turn::State::kGivenWay};
  write(State::kGivingWay, entry.revision, false);
}

void ReportKeeper::look(const std::optional<StoredReport>& entry) {
  if (!entry) return write(State::kClaiming, 0, false);
  // Without a machine it is an import's, which had found none.
  if (entry->report.machine == settings_.machine || entry->report.machine.empty())
    return write(State::kClaiming, entry->revision, false);
  other_machine_ = entry->report.machine;
  other_at_ns_ = entry->stored_at_ns;
  if (told_ || entry->report.stopped_as_clone) {
    effects_.report_alarm("CloneSeen", other_words());
    return write(State::kClaiming, entry->revision, false);
  }
  // Nobody says what time it is at the hub; an entry of our own does.
  write(State::kProbing, entry->revision, true);
}

void ReportKeeper::time_other(const std::optional<StoredReport>& entry) {
  const bool ours = entry && entry->report.machine == settings_.machine;
  const std::int64_t limit =
      std::chrono::duration_cast<std::chrono::nanoseconds>(settings_.interval).count() *
      kIntervalsAlive;
  const bool alive = !ours || entry->stored_at_ns - other_at_ns_ < limit;
  if (!alive) return write(State::kClaiming, entry->revision, false);
  effects_.report_alarm("StoppedAsClone", other_words());
  state_ = State::kOff;
  effects_.claimed(
      false, "stopped: " + other_words() + " and is alive; decide with sluice-uplink --takeover");
}

// Someone else wrote since our last report.
void ReportKeeper::check(const std::optional<StoredReport>& entry) {
  if (!entry || entry->report.machine == settings_.machine || entry->report.machine.empty())
    return write(State::kWriting, entry ? entry->revision : 0, false);
  other_machine_ = entry->report.machine;
  if (entry->report.stopped_as_clone) {
    effects_.report_alarm("CloneSeen", other_words() + ", and stopped");
    return write(State::kWriting, entry->revision, false);
  }
  effects_.report_alarm("StoppedAsClone", other_words());
  state_ = State::kOff;
  effects_.taken_over("stopped: " + other_words() +
                      " and took over; decide with sluice-uplink --takeover");
}

void ReportKeeper::put(const PutAnswer& answer, Time now) {
  const bool waited =
      state_ == State::kProbing || state_ == State::kClaiming || state_ == State::kGivingWay;
  if (!waited && state_ != State::kWriting) return;
  if (answer.kind == PutAnswer::Kind::kFailed) return without_bucket(answer.words, now);
  if (answer.kind == PutAnswer::Kind::kConflict) {
    if (++conflicts_ > kConflictsMax) return without_bucket("the report changes all the time", now);
    state_ = claimed_ ? State::kChecking : State::kLooking;
    asked_ = now;
    return effects_.get_report();
  }
  revision_ = answer.revision;
  conflicts_ = 0;
  failure_.clear();
  written_ = now;
  if (state_ == State::kGivingWay) {
    turn_revision_ = answer.revision;
    turn_since_ = now;
    state_ = State::kOff;
    return effects_.give_way(std::string(kGiveWay));
  }
  if (state_ == State::kProbing) {
    state_ = State::kTiming;
    return effects_.get_report();
  }
  state_ = State::kHeld;
  if (std::exchange(claimed_, true)) return;
  effects_.claimed(true, {});
}

// Events go first: a bucket that is missing or refuses costs the page and the clone check, which
// status says, but stops nothing.
void ReportKeeper::without_bucket(const std::string& words, Time now) {
  failure_ = words;
  conflicts_ = 0;
  written_ = now;
  state_ = State::kHeld;
  if (std::exchange(claimed_, true)) return;
  effects_.claimed(true, {});
}

void ReportKeeper::tick(Time now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  asked_ = now;
  if (state_ != State::kHeld) return without_bucket("timeout", now);
  if (!failure_.empty()) {  // what stands there now is not known
    state_ = State::kChecking;
    return effects_.get_report();
  }
  write(State::kWriting, revision_, false);
}

std::optional<Time> ReportKeeper::deadline() const {
  if (state_ == State::kWriting || state_ == State::kChecking || state_ == State::kGivingWay)
    return asked_ + kAnswerLimit;
  if (state_ != State::kHeld) return std::nullopt;
  const Time wait =
      changed_ ? std::min(settings_.interval, settings_.change_interval) : settings_.interval;
  return written_ + wait;
}

}  // namespace sluice::sync
