// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/codec/messages.hpp"
#include "core/result.hpp"
#include "sync/effects.hpp"

namespace sluice::sync {

// The report as it stands at the hub.
struct StoredReport {
  std::uint64_t revision = 0;     // hub-stream sequence
  std::int64_t stored_at_ns = 0;  // the hub's clock
  codec::Report report;
};

struct PutAnswer {
  enum class Kind { kStored, kConflict, kFailed };
  Kind kind = Kind::kFailed;
  std::uint64_t revision = 0;
  std::string words;  // of kFailed
};

class ReportEffects {
 public:
  virtual ~ReportEffects() = default;
  virtual void get_report() = 0;  // answered by got()
  // Only if the entry is still at `revision` (0: there is none). Answered by put().
  virtual void put_report(std::uint64_t revision, bool stopped_as_clone) = 0;
  virtual void claimed(bool go_on, const std::string& words) = 0;  // the answer to begin()
  virtual void taken_over(const std::string& words) = 0;           // after claimed(true)
  // A bundle's import publishes for this gateway: stop, and begin() again later.
  virtual void give_way(const std::string& words) = 0;
  // Someone else may have published any event of this log.
  virtual void others_published() = 0;
  virtual void report_alarm(std::string_view type, const std::string& words) = 0;
};

// Keeps this gateway's one entry in the report bucket, and notices by it when another machine lives
// under the same name. Writes only over what it has read: an entry of someone else is never
// overwritten unseen. Whether the other one is alive is judged by the hub's clock alone: its
// entry's time beside that of an entry written just now. Pure.
class ReportKeeper {
 public:
  struct Settings {
    std::string machine;
    Time interval{300'000};
    Time change_interval{60'000};
  };
  ReportKeeper(Settings settings, ReportEffects& effects)
      : settings_(std::move(settings)), effects_(effects) {}

  // A session began. `told`: the operator's word that this machine goes on whatever is found.
  void begin(bool told, Time now);
  void end() { state_ = State::kOff; }
  // Someone says that the entry was changed: an import that takes the turn, or is done.
  void look(Time now);
  void changed() { changed_ = true; }  // what the report says is no longer so

  void got(core::Result<std::optional<StoredReport>> entry, Time now);
  void put(const PutAnswer& answer, Time now);
  void tick(Time now);
  std::optional<Time> deadline() const;
  // To be written with the report that put_report() asks for.
  const std::optional<codec::Report::Turn>& turn() const { return turn_; }
  const std::string& failure() const { return failure_; }  // of the last write, empty if none

 private:
  enum class State {
    kOff,
    kLooking,
    kProbing,
    kTiming,
    kClaiming,
    kHeld,
    kWriting,
    kChecking,
    kGivingWay
  };
  bool has_turn(const StoredReport& entry, Time now);
  void give_way(const StoredReport& entry, Time now);
  void look(const std::optional<StoredReport>& entry);
  void time_other(const std::optional<StoredReport>& entry);
  void check(const std::optional<StoredReport>& entry);
  void write(State state, std::uint64_t revision, bool stopped);
  void without_bucket(const std::string& words, Time now);
  std::string other_words() const;

  Settings settings_;
  ReportEffects& effects_;
  State state_ = State::kOff;
  bool told_ = false;
  bool claimed_ = false;
  bool changed_ = false;
  int conflicts_ = 0;
  std::uint64_t revision_ = 0;
  std::string other_machine_;
  std::int64_t other_at_ns_ = 0;
  Time written_{0};
  Time asked_{0};
  std::optional<codec::Report::Turn> turn_;
  std::uint64_t turn_revision_ = 0;  // of the newest sign of life of the one whose turn it is
  Time turn_since_{0};               // when that was seen first
  std::string failure_;
};

}  // namespace sluice::sync
