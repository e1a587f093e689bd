// SPDX-License-Identifier: Apache-2.0
// The sender's word on how wrong its clock was, and what a model makes of it.
#include <gmock/gmock.h>

#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;

constexpr const char* kTimes = R"(
model = "times"
version = 1
[table.machine]
key = { machine = "$entity" }
shared = true
[table.machine.columns]
at = "time"
recorded = "time"
value = "real"
n = { type = "int", default = 0 }
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
latest = { at = "$time", recorded = "$recorded", value = ".value" }
)";

constexpr std::int64_t kIn1970 = 5'000'000'000;
constexpr std::int64_t kTrue = 1'790'000'000'000'000'000;

class ClockTest : public test::EngineTest {
 protected:
  test::Message reading(core::Seq seq, std::int64_t clock_ns,
                        std::optional<std::int64_t> occurred = {}) {
    test::Made made;
    made.gateway = "plant-7";
    made.epoch = core::Epoch{1};
    made.seq = seq;
    made.wall_ns = kIn1970;
    made.occurred_at_ns = occurred;
    auto out = test::message(made);
    out.clock_ns = clock_ns;
    return out;
  }
  static std::string row(std::int64_t at) {
    return "press|" + std::to_string(at) + "|" + std::to_string(kIn1970) + "|1.5|1";
  }
};

TEST_F(ClockTest, TimeIsTheRecordedOneAndWhatIsToBeAdded) {
  open(kTimes);
  start_lane();
  feed_.add(reading(2, kTrue - kIn1970));
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre(row(kTrue)));
}

TEST_F(ClockTest, WhatTheDeviceSaidIsLeftAlone) {
  open(kTimes);
  start_lane();
  feed_.add(reading(2, kTrue - kIn1970, 42));
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre(row(42)));
}

TEST_F(ClockTest, ACopyThatComesLaterWithABetterWordChangesNoRow) {
  open(kTimes);
  start_lane();
  feed_.add(reading(2, 0));
  feed_.add(reading(2, kTrue - kIn1970));
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre(row(kIn1970)));
}

TEST_F(ClockTest, AnEventThatWasHeldThroughARestartKeepsTheWordOfItsFirstCopy) {
  open(kTimes);
  start_lane();
  feed_.add(reading(3, kTrue - kIn1970));
  feed_.run(*engine_);
  reopen();
  feed_.add(reading(3, 7));
  feed_.add(one_.gap(2, 2));
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre(row(kTrue)));
}

TEST_F(ClockTest, AWordBeyondAllTimesIsLeftOut) {
  open(kTimes);
  start_lane();
  feed_.add(reading(2, INT64_MAX));
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre(row(kIn1970)));
}

}  // namespace
}  // namespace sluice::projection
