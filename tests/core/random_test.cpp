// SPDX-License-Identifier: Apache-2.0
#include "core/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sluice::core {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(Random, BelowReachesEveryValueAndNoOther) {
  SeededRandom random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (const int count : seen) EXPECT_GT(count, 800);
}

TEST(Random, TheSameSeedGivesTheSameRun) {
  SeededRandom a(42);
  SeededRandom b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Random, DrawsDifferentEpochs) {
  SystemRandom random;
  std::set<std::uint64_t> epochs;
  for (int i = 0; i < 100; ++i) epochs.insert(draw_epoch(random).value);
  EXPECT_EQ(epochs.size(), 100u);
  EXPECT_FALSE(epochs.contains(0));
}

TEST(UuidV7, CarriesVersionVariantAndTime) {
  SeededRandom random(3);
  UuidV7 ids(random);
  const Uuid id = ids.next(0x0190f3a17b2c * kMs);
  EXPECT_EQ(id.text().substr(0, 13), "0190f3a1-7b2c");
  EXPECT_EQ(id.bytes[6] >> 4, 7);
  EXPECT_EQ(id.bytes[8] >> 6, 2);
}

TEST(UuidV7, AscendsWithinAMillisecondAndWhenTheClockStepsBack) {
  SeededRandom random(4);
  UuidV7 ids(random);
  std::int64_t now = 1'000'000 * kMs;
  Uuid last = ids.next(now);
  for (int i = 0; i < 20'000; ++i) {
    if (i % 5000 == 0) now -= 10'000 * kMs;
    const Uuid id = ids.next(now);
    EXPECT_LT(last, id);
    last = id;
  }
}

// A clock that once was ten years ahead must not mark every later id.
TEST(UuidV7, ComesBackFromAClockThatWasYearsAhead) {
  SeededRandom random(5);
  UuidV7 ids(random);
  const std::int64_t now = 1'700'000'000'000 * kMs;
  (void)ids.next(now + 10 * std::int64_t{31'536'000'000} * kMs);
  EXPECT_EQ(ids.next(now).text().substr(0, 13), "018bcfe5-6800");
}

TEST(UuidV7, TakesATimeBeforeTheEpochAsItsBeginning) {
  SeededRandom random(6);
  UuidV7 ids(random);
  EXPECT_EQ(ids.next(-5 * kMs).text().substr(0, 13), "00000000-0000");
}

}  // namespace
}  // namespace sluice::core
