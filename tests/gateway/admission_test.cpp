// SPDX-License-Identifier: Apache-2.0
#include "gateway/admission.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::gateway {
namespace {

TEST(Admission, LetsInUpToItsLimitsAndNobodyOvertakes) {
  Admission admission(3, 100);
  std::vector<int> started;
  const auto enter = [&](int name, Admission::Cost cost) {
    return admission.enter(cost, [&started, name] { started.push_back(name); });
  };
  EXPECT_TRUE(enter(1, {2, 10}));
  EXPECT_FALSE(enter(2, {2, 10}));  // too many events
  EXPECT_FALSE(enter(3, {1, 10}));  // would fit, but it came later
  EXPECT_EQ(started, (std::vector<int>{1}));
  EXPECT_EQ(admission.waiting(), 2u);
  admission.leave({2, 10});
  EXPECT_EQ(started, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(admission.events(), 3u);
}

TEST(Admission, BytesCountToo) {
  Admission admission(10, 100);
  int started = 0;
  const auto count = [&] { ++started; };
  EXPECT_TRUE(admission.enter({1, 60}, count));
  EXPECT_FALSE(admission.enter({1, 60}, count));
  admission.leave({1, 60});
  EXPECT_EQ(started, 2);
}

TEST(Admission, WhatIsLargerThanTheLimitGoesAlone) {
  Admission admission(3, 100);
  int started = 0;
  const auto count = [&] { ++started; };
  EXPECT_TRUE(admission.enter({500, 5000}, count));
  EXPECT_FALSE(admission.enter({1, 1}, count));
  admission.leave({500, 5000});
  EXPECT_EQ(started, 2);
}

TEST(Admission, AStartMayEnterAgain) {
  Admission admission(1, 100);
  std::vector<int> started;
  EXPECT_TRUE(admission.enter({1, 1}, [&] { started.push_back(1); }));
  EXPECT_FALSE(admission.enter({1, 1}, [&] {
    started.push_back(2);
    EXPECT_FALSE(admission.enter({1, 1}, [&] { started.push_back(4); }));
  }));
  EXPECT_FALSE(admission.enter({1, 1}, [&] { started.push_back(3); }));
  for (int i = 0; i < 3; ++i) admission.leave({1, 1});
  EXPECT_EQ(started, (std::vector<int>{1, 2, 3, 4}));
}

}  // namespace
}  // namespace sluice::gateway
