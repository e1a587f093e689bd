// SPDX-License-Identifier: Apache-2.0
// What keeps the uplink from sending too much at once: budgets, the link's window, current values;
// and what it knows of time and of its own progress.
#include <gtest/gtest.h>

#include <deque>

#include "sync/budget.hpp"
#include "sync/clock_book.hpp"
#include "sync/link_window.hpp"
#include "sync/live_values.hpp"
#include "sync/progress_pulse.hpp"

namespace sluice::sync {
namespace {

using core::Lane;

TEST(Budget, WithoutALimitEverythingGoesAtOnce) {
  Budget budget;
  budget.spend(1 << 30, Time(5));
  EXPECT_EQ(budget.ready(1 << 30, Time(5)), Time(5));
  EXPECT_FALSE(budget.is_limited());
}

TEST(Budget, OverAMinuteNoMoreThanTheRateAndOneSecondOfItGoesOut) {
  Budget budget(16 * 1024);
  std::size_t sent = 0;
  for (Time now{1'000}; now < Time(61'000);) {
    const Time at = budget.ready(700, now);
    if (at > now) {
      now = at;
      continue;
    }
    budget.spend(700, now);
    sent += 700;
  }
  EXPECT_LE(sent, 61u * 16 * 1024);
  EXPECT_GE(sent, 60u * 16 * 1024 - 700);
}

TEST(Budget, AnEventLargerThanASecondsWorthGoesOnceTheBucketIsFullAndIsPaidForAfterwards) {
  Budget budget(10'000);
  ASSERT_EQ(budget.ready(256 * 1024, Time(0)), Time(0));
  budget.spend(256 * 1024, Time(0));
  // 262,144 bytes at 10,000 a second, and another second until a full bucket is there again.
  const Time next = budget.ready(256 * 1024, Time(0));
  EXPECT_GE(next, Time(26'214));
  EXPECT_LE(next, Time(26'216));
  EXPECT_GT(budget.ready(1, Time(0)), Time(16'000));
  EXPECT_EQ(budget.ready(256 * 1024, next), next);
}

TEST(Budget, AYearOfRestFillsTheBucketOnlyOnce) {
  Budget budget(1'000);
  budget.spend(1'000, Time(0));
  const Time year{std::int64_t{366} * 24 * 3'600'000};
  ASSERT_EQ(budget.ready(1'000, year), year);
  budget.spend(1'000, year);
  EXPECT_EQ(budget.ready(1'000, year), year + Time(1'000));
}

// A link with a rate and a delay, and a queue before it that has no limit.
struct ThinLink {
  std::uint64_t bytes_per_second;
  Time delay;  // one way
  ThinLink(std::uint64_t rate, Time one_way) : bytes_per_second(rate), delay(one_way) {}
  double free_at = 0;
  struct Sent {
    Lane lane;
    std::size_t bytes;
    LinkWindow::Sent stamp;
    double answer_at;
  };
  std::deque<Sent> out;
  std::uint64_t carried = 0;

  void send(LinkWindow& window, Lane lane, std::size_t bytes, Time now) {
    const auto stamp = window.sent(lane, bytes, now);
    free_at = std::max(free_at, static_cast<double>(now.count())) +
              static_cast<double>(bytes) * 1000.0 / static_cast<double>(bytes_per_second);
    out.push_back({lane, bytes, stamp, free_at + 2.0 * static_cast<double>(delay.count())});
  }
  // Milliseconds until what is sent now has been carried over.
  double queue(Time now) const { return std::max(0.0, free_at - static_cast<double>(now.count())); }
  void answer(LinkWindow& window, Time now) {
    while (!out.empty() && out.front().answer_at <= static_cast<double>(now.count())) {
      const auto sent = out.front();
      out.pop_front();
      carried += sent.bytes;
      window.answered(sent.lane, sent.bytes, sent.stamp, now);
    }
  }
};

struct Run {
  double carried = 0;      // share of what the link could carry
  double worst_queue = 0;  // ms, after the start
};
Run drain(ThinLink link, Time length, std::size_t event_bytes) {
  LinkWindow window({});
  Run run;
  for (Time now{0}; now < length; now += Time(1)) {
    link.answer(window, now);
    for (Lane lane : {Lane::kTelemetry, Lane::kBulk})
      while (window.has_room(lane, event_bytes)) {
        link.send(window, lane, event_bytes, now);
        if (window.limit() < event_bytes) break;
      }
    run.worst_queue = std::max(run.worst_queue, link.queue(now));
  }
  run.carried = static_cast<double>(link.carried) * 1000.0 /
                (static_cast<double>(link.bytes_per_second) * static_cast<double>(length.count()));
  return run;
}

TEST(LinkWindow, OnOneMegabitAndAHundredMillisecondsTheLinkIsFullAndAnAlarmIsNotASecondBehind) {
  const auto run = drain(ThinLink(125'000, Time(100)), Time(180'000), 450);
  EXPECT_GE(run.carried, 0.95);
  EXPECT_LE(run.worst_queue, 900);
}

TEST(LinkWindow, On64KilobitWithHalfASecondOfDelayTheLinkIsFullAndTheQueueShort) {
  const auto run = drain(ThinLink(8'000, Time(300)), Time(300'000), 450);
  EXPECT_GE(run.carried, 0.9);
  EXPECT_LE(run.worst_queue, 2'300);  // the first window is sent before anything is known
}

TEST(LinkWindow, OnAFastLinkTheWindowIsAsLargeAsConfigured) {
  LinkWindow window({});
  Time now{0};
  for (int i = 0; i < 100; ++i, now += Time(1)) {
    const auto sent = window.sent(Lane::kTelemetry, 8'000, now);
    window.answered(Lane::kTelemetry, 8'000, sent, now + Time(1));
  }
  EXPECT_EQ(window.limit(), 128u * 1024);
}

TEST(LinkWindow, ALinkThatGetsSlowerHasItsWindowDrawnIn) {
  LinkWindow window({});
  ThinLink link(1'250'000, Time(50));
  Time now{0};
  const auto go_on = [&](Time length) {
    for (const Time end = now + length; now < end; now += Time(1)) {
      link.answer(window, now);
      while (window.has_room(Lane::kBulk, 450)) link.send(window, Lane::kBulk, 450, now);
    }
  };
  go_on(Time(20'000));
  EXPECT_EQ(window.limit(), 128u * 1024);
  link.bytes_per_second = 20'000;
  go_on(Time(60'000));
  EXPECT_LE(window.limit(), 20'000u);
}

TEST(LinkWindow, LanesOfLowerPriorityTakeNoRoomFromAnAlarm) {
  LinkWindow window({});
  while (window.has_room(Lane::kBulk, 1'000)) window.sent(Lane::kBulk, 1'000, Time(0));
  EXPECT_TRUE(window.has_room(Lane::kTelemetry, 1'000));
  EXPECT_TRUE(window.has_room(Lane::kAlarm, 1'000));
  while (window.has_room(Lane::kAlarm, 1'000)) window.sent(Lane::kAlarm, 1'000, Time(0));
  // A lane below always has one event on its way, so that it does not starve.
  EXPECT_TRUE(window.has_room(Lane::kTelemetry, 300'000));
  window.sent(Lane::kTelemetry, 1'000, Time(0));
  EXPECT_FALSE(window.has_room(Lane::kTelemetry, 1'000));
}

core::Recorded at(std::int64_t wall_s, std::uint64_t monotonic_s, std::uint8_t boot,
                  bool trusted = false) {
  core::Recorded out;
  out.wall_ns = wall_s * 1'000'000'000;
  out.monotonic_ns = monotonic_s * 1'000'000'000;
  out.boot.bytes[0] = boot;
  out.trusted = trusted;
  return out;
}

TEST(ClockBook, OneTrustedMomentCorrectsTheWholeBoot) {
  ClockBook book;
  const auto in_1970 = at(100, 100, 1);
  EXPECT_EQ(book.correction(in_1970), 0);
  const auto now = at(1'790'000'000, 300, 1, true);
  book.learn(now.boot, now.wall_ns, now.monotonic_ns);
  EXPECT_EQ(in_1970.wall_ns + book.correction(in_1970), 1'789'999'800ll * 1'000'000'000);
  EXPECT_EQ(book.correction(at(100, 100, 2)), 0) << "nothing is known of another boot";
  EXPECT_EQ(book.correction(at(100, 100, 1, true)), 0) << "it was trusted when it was recorded";
  EXPECT_EQ(book.newest_ns(), now.wall_ns);
}

TEST(ClockBook, AClockTenYearsAheadIsTurnedBack) {
  ClockBook book;
  book.learn(at(0, 0, 1).boot, 1'790'000'000'000'000'000, 1'000'000'000);
  const auto ahead = at(2'105'000'000, 1, 1);
  EXPECT_EQ(ahead.wall_ns + book.correction(ahead), 1'790'000'000'000'000'000);
}

TEST(ClockBook, WhatIsRightToATenthOfASecondIsLeftAlone) {
  ClockBook book;
  book.learn(at(0, 0, 1).boot, 1'790'000'000'000'000'000, 1'000'000'000);
  auto near = at(1'790'000'000, 1, 1);
  near.wall_ns += 99'000'000;
  EXPECT_EQ(book.correction(near), 0);
}

TEST(ClockBook, TimesThatNoClockHasDoNotOverflow) {
  ClockBook book;
  book.learn(at(0, 0, 1).boot, INT64_MAX, 0);
  core::Recorded wild = at(0, 0, 1);
  wild.wall_ns = INT64_MIN;
  wild.monotonic_ns = UINT64_MAX;
  EXPECT_EQ(book.correction(wild), 0);
}

core::EventView of_stream(const std::string& category, const std::string& entity) {
  core::EventView view;
  view.category = category;
  view.entity = entity;
  return view;
}

TEST(LiveValues, OnlyTheNewestOfAStreamGoesAndOthersOfItNever) {
  LiveValues live({"pump"});
  live.begin(Lane::kTelemetry, 10);
  EXPECT_EQ(live.look(Lane::kTelemetry, 13), 11u);
  live.row(Lane::kTelemetry, 11, of_stream("pump", "7"), "old");
  live.row(Lane::kTelemetry, 12, of_stream("valve", "7"), "not asked for");
  live.row(Lane::kTelemetry, 13, of_stream("pump", "7"), "new");
  const auto values = live.take(Time(1'000), 0);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].body, "new");
  EXPECT_TRUE(live.take(Time(1'000), 0).empty());
  EXPECT_EQ(live.look(Lane::kTelemetry, 13), 14u);
}

TEST(LiveValues, TakesAnEighthOfTheLinkAndEachStreamItsTurn) {
  LiveValues live({"pump"});
  live.begin(Lane::kTelemetry, 0);
  for (core::Seq seq = 1; seq <= 100; ++seq)
    live.row(Lane::kTelemetry, seq, of_stream("pump", std::to_string(seq)), std::string(100, 'x'));
  EXPECT_EQ(live.take(Time(1'000), 8'000).size(), 10u);
  EXPECT_EQ(live.take(Time(1'000), 0).size(), 90u);
}

TEST(LiveValues, OfALongBacklogOnlyTheEndIsReadAndNothingIsKeptWithoutALink) {
  LiveValues live({"pump"});
  live.begin(Lane::kBulk, 0);
  EXPECT_EQ(live.look(Lane::kBulk, 50'000), 50'000u - LiveValues::kRowsPerLook + 1);
  live.row(Lane::kBulk, 50'000, of_stream("pump", "7"), "x");
  live.clear();
  EXPECT_TRUE(live.take(Time(1'000), 0).empty());
}

TEST(ProgressPulse, BeatsWhileThereIsProgressOrRestAndStopsWhenNothingMoves) {
  ProgressPulse pulse(Time(60'000));
  EXPECT_TRUE(pulse.beats(1, false, Time(100'000)));
  EXPECT_TRUE(pulse.beats(1, false, Time(159'000)));
  EXPECT_FALSE(pulse.beats(1, false, Time(160'000)));
  EXPECT_TRUE(pulse.beats(2, false, Time(170'000)));
  EXPECT_TRUE(pulse.beats(2, true, Time(900'000)));
  EXPECT_TRUE(pulse.beats(2, false, Time(959'000)));
  EXPECT_FALSE(pulse.beats(2, false, Time(960'000)));
}

}  // namespace
}  // namespace sluice::sync
