// SPDX-License-Identifier: Apache-2.0
// Which epoch of a gateway is the newest, and so whose events come late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projection/gate/gate.hpp"
#include "projection/gate/memory_store.hpp"
#include "tests/projection/events.hpp"

namespace sluice::projection {
namespace {

using test::LaneMaker;
using test::Message;
using testing::ElementsAre;
using testing::IsEmpty;

// Writes down what comes late, as "epoch/seq".
class Late final : public GateSink {
 public:
  core::Result<void> apply(const Applied& one) override {
    if (one.is_late)
      late_ones.push_back(std::to_string(one.event.epoch.value) + "/" +
                          std::to_string(one.event.seq));
    return {};
  }
  core::Result<void> late(const core::EventView&, std::string_view, std::uint64_t) override {
    return {};
  }
  std::vector<std::string> late_ones;
};

class GateOrderTest : public testing::Test {
 protected:
  void offer(const Message& message) {
    auto arrival = check_message(message.subject, message.msg_id, message.body);
    ASSERT_TRUE(arrival) << arrival.error().message;
    arrival->hub_stream = "EVENTS-main";
    arrival->hub_seq = ++hub_seq_;
    arrival->aside = message.aside;
    ASSERT_TRUE(Gate(store_, {}).offer(*arrival, sink_));
  }

  MemoryGateStore store_;
  Late sink_;
  std::uint64_t hub_seq_ = 0;
  LaneMaker one_{"plant-7", 1};
  LaneMaker two_{"plant-7", 2};
  LaneMaker three_{"plant-7", 3};
};

Message brought(Message message) {
  message.aside = true;
  return message;
}

TEST_F(GateOrderTest, EventsOfAnEpochThatIsNotTheNewestComeLate) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  offer(two_.opened(0, 0));  // another card, with a log of its own
  offer(two_.event(2));
  EXPECT_THAT(sink_.late_ones, IsEmpty());
  offer(one_.event(3));
  offer(two_.event(3));
  EXPECT_THAT(sink_.late_ones, ElementsAre("1/3"));
}

TEST_F(GateOrderTest, AnOldCopyThatRunsAgainIsTheNewest) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  offer(two_.opened(1, 2));
  offer(three_.opened(1, 2));  // the card was written back to before epoch 2
  offer(three_.event(4));
  EXPECT_THAT(sink_.late_ones, IsEmpty());
  offer(two_.event(4));
  EXPECT_THAT(sink_.late_ones, ElementsAre("2/4"));
}

TEST_F(GateOrderTest, AnEpochThatABundleBroughtIsNeverTheNewest) {
  offer(two_.opened(0, 0));
  offer(brought(one_.opened(0, 0)));  // a dead card that the hub had never heard of
  offer(brought(three_.opened(1, 1)));
  offer(two_.event(2));
  EXPECT_THAT(sink_.late_ones, ElementsAre("1/1", "3/2"));
}

TEST_F(GateOrderTest, APredecessorThatWasSteppedOverStaysOlder) {
  offer(two_.opened(1, 3));
  ASSERT_TRUE(Gate(store_, {}).skip(two_.row(), "lost card", sink_));
  offer(one_.opened(0, 0));
  offer(two_.event(5));
  EXPECT_THAT(sink_.late_ones, ElementsAre("1/1"));
}

TEST_F(GateOrderTest, AnEpochStandsAtOnePlaceInAllLanes) {
  const LaneMaker one_alarm("plant-7", 1, core::Lane::kAlarm);
  offer(one_.opened(0, 0));
  offer(two_.opened(1, 1));
  offer(one_alarm.opened(0, 0));  // its first lane said where it stands
  EXPECT_THAT(sink_.late_ones, ElementsAre("1/1"));
}

}  // namespace
}  // namespace sluice::projection
