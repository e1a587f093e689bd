// SPDX-License-Identifier: Apache-2.0
// The lab's judge can find what it is there to find.
#include "tests/lab/site/verdict.hpp"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

const std::vector<Acked> kTwoPairs = {
    {"a", "t0", false, 1}, {"b", "t0", true, 2}, {"c", "t1", false, 3}, {"d", "t1", true, 4}};

Effects all_right() {
  return {{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}, {{"t0", {1, 1}}, {"t1", {1, 1}}}};
}

TEST(LabVerdict, CleanRunIsClean) {
  const LabRow row = compare(kTwoPairs, all_right());
  EXPECT_EQ(row.acked, 4u);
  EXPECT_EQ(row.lost + row.doubled + row.out_of_order, 0u);
}

TEST(LabVerdict, MissingEventIsLost) {
  Effects effects = all_right();
  effects.of_event.erase("c");
  EXPECT_EQ(compare(kTwoPairs, effects).lost, 1u);
}

TEST(LabVerdict, SecondEffectIsDoubled) {
  Effects effects = all_right();
  effects.of_event["a"] = 2;
  EXPECT_EQ(compare(kTwoPairs, effects).doubled, 1u);
}

TEST(LabVerdict, SecondThatCameBeforeItsFirstIsOutOfOrder) {
  Effects effects = all_right();
  effects.of_turn["t1"] = {1, 0};
  EXPECT_EQ(compare(kTwoPairs, effects).out_of_order, 1u);
}

TEST(LabVerdict, EventsThatWereNotAcknowledgedAreNobodysLoss) {
  Effects effects = all_right();
  effects.of_event["e"] = 1;
  EXPECT_EQ(compare(kTwoPairs, effects).lost, 0u);
  EXPECT_EQ(compare({}, {}).acked, 0u);
}

}  // namespace
}  // namespace sluice::test
