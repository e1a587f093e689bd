// SPDX-License-Identifier: Apache-2.0
#include "gateway/clock_watch.hpp"

#include <gtest/gtest.h>

#include "core/codec/data.hpp"

namespace sluice::gateway {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(ClockWatch, AClockThatIsNeverTrustedAnchorsNothing) {
  ClockWatch watch;
  core::ManualClock clock;
  clock.is_trusted = false;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(watch.look(clock));
    clock.advance_ms(1'000);
    if (i == 50) clock.wall += 3'600 * kSecond;  // set by hand: nobody says that it is right
  }
}

TEST(ClockWatch, WakingUpIn1970AndBeingSetTellsHowWrongItWas) {
  ClockWatch watch;
  core::ManualClock clock;
  clock.wall = 5 * kSecond;
  clock.monotonic = 5 * kSecond;
  clock.is_trusted = false;
  EXPECT_FALSE(watch.look(clock));
  clock.advance_ms(60'000);
  clock.wall = 1'790'000'000 * kSecond;
  clock.is_trusted = true;
  const auto anchor = watch.look(clock);
  ASSERT_TRUE(anchor);
  EXPECT_EQ(anchor->wall_ns, 1'790'000'000 * kSecond);
  EXPECT_EQ(anchor->monotonic_ns, 65u * kSecond);
  EXPECT_EQ(anchor->boot, clock.boot());
  EXPECT_EQ(anchor->was_wall_ns, 65 * kSecond);
  clock.advance_ms(1'000);
  EXPECT_FALSE(watch.look(clock)) << "once is enough";
}

TEST(ClockWatch, ATrustedClockThatStepsTenYearsAndBackIsAnchoredBothTimes) {
  ClockWatch watch;
  core::ManualClock clock;
  ASSERT_TRUE(watch.look(clock));
  const std::int64_t ten_years = 3'650 * 86'400 * kSecond;
  clock.advance_ms(1'000);
  clock.wall += ten_years;
  const auto ahead = watch.look(clock);
  ASSERT_TRUE(ahead);
  EXPECT_EQ(ahead->wall_ns - ahead->was_wall_ns, ten_years);
  clock.advance_ms(1'000);
  clock.wall -= ten_years;
  const auto back = watch.look(clock);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->was_wall_ns - back->wall_ns, ten_years);
}

TEST(ClockWatch, SlewingAndTrustLostForAWhileAreNoSteps) {
  ClockWatch watch;
  core::ManualClock clock;
  ASSERT_TRUE(watch.look(clock));
  for (int i = 0; i < 40; ++i) {
    clock.advance_ms(1'000);
    clock.wall += 10'000'000;  // 10 ms a second, 0.4 s in all
    EXPECT_FALSE(watch.look(clock));
  }
  clock.is_trusted = false;
  EXPECT_FALSE(watch.look(clock));
  clock.is_trusted = true;
  EXPECT_TRUE(watch.look(clock)) << "trusted again is worth a word";
}

TEST(ClockWatch, ItsDataIsWhatTheLogTakes) {
  ClockWatch watch;
  const core::ManualClock clock;
  const auto data = watch.look(clock)->data();
  const auto canonical = codec::canonical_data(data);
  ASSERT_TRUE(canonical) << canonical.error().message;
  EXPECT_EQ(*canonical, data);
}

}  // namespace
}  // namespace sluice::gateway
