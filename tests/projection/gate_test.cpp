// SPDX-License-Identifier: Apache-2.0
#include "projection/gate/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projection/gate/memory_store.hpp"
#include "tests/projection/events.hpp"

namespace sluice::projection {
namespace {

using test::LaneMaker;
using test::Message;
using testing::ElementsAre;
using testing::IsEmpty;

// Writes down what the gate lets through, as "epoch/seq".
class Record final : public GateSink {
 public:
  core::Result<void> apply(const Applied& one) override {
    applied.push_back(name(one.event));
    return {};
  }
  core::Result<void> late(const core::EventView& event, std::string_view, std::uint64_t) override {
    came_late.push_back(name(event));
    return {};
  }
  std::vector<std::string> take() { return std::exchange(applied, {}); }

  std::vector<std::string> applied;
  std::vector<std::string> came_late;

 private:
  static std::string name(const core::EventView& event) {
    return std::to_string(event.epoch.value) + "/" + std::to_string(event.seq);
  }
};

class GateTest : public testing::Test {
 protected:
  Answer offer(const Message& message) {
    auto arrival = check_message(message.subject, message.msg_id, message.body);
    EXPECT_TRUE(arrival) << (arrival ? "" : arrival.error().message);
    if (!arrival) return {};
    arrival->hub_stream = "EVENTS-main";
    arrival->hub_seq = ++hub_seq_;
    arrival->now_ns = static_cast<std::int64_t>(hub_seq_) * 1000;
    Gate gate(store_, settings_);
    auto answer = gate.offer(*arrival, sink_);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? *answer : Answer{};
  }
  Verdict verdict(const Message& message) { return offer(message).verdict; }
  std::vector<Hole> holes() {
    auto found = Gate(store_, settings_).holes(100);
    EXPECT_TRUE(found);
    return found ? *found : std::vector<Hole>{};
  }
  core::Result<Answer> skip(const RowRef& row) {
    return Gate(store_, settings_).skip(row, "lost card", sink_);
  }
  void settle() { EXPECT_TRUE(Gate(store_, settings_).settle(sink_)); }

  MemoryGateStore store_;
  GateSettings settings_;
  Record sink_;
  std::uint64_t hub_seq_ = 0;
  LaneMaker one_{"plant-7", 1};
  LaneMaker two_{"plant-7", 2};
  LaneMaker three_{"plant-7", 3};
};

TEST_F(GateTest, AppliesWhatIsExactlyNext) {
  EXPECT_EQ(verdict(one_.opened(0, 0)), Verdict::kApplied);
  EXPECT_EQ(verdict(one_.event(2)), Verdict::kApplied);
  EXPECT_EQ(verdict(one_.event(3)), Verdict::kApplied);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/2", "1/3"));
  EXPECT_THAT(holes(), IsEmpty());
}

TEST_F(GateTest, SkipsWhatIsLower) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  sink_.take();
  EXPECT_EQ(verdict(one_.event(2)), Verdict::kDuplicate);
  EXPECT_EQ(verdict(one_.opened(0, 0)), Verdict::kDuplicate);
  EXPECT_THAT(sink_.applied, IsEmpty());
}

TEST_F(GateTest, HoldsWhatIsHigherUntilTheMissingComes) {
  offer(one_.opened(0, 0));
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kHeld);
  EXPECT_EQ(verdict(one_.event(3)), Verdict::kHeld);
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kDuplicate);
  ASSERT_EQ(holes().size(), 1u);
  EXPECT_EQ(holes()[0].from, 2u);
  EXPECT_EQ(holes()[0].to, 2u);
  EXPECT_EQ(holes()[0].kind, Hole::Kind::kMissing);
  EXPECT_EQ(holes()[0].since_hub_seq, 3u);
  const Answer answer = offer(one_.event(2));
  EXPECT_EQ(answer.applied, 3u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/2", "1/3", "1/4"));
  EXPECT_THAT(holes(), IsEmpty());
  EXPECT_EQ(store_.rows()[0].held, 0u);
}

TEST_F(GateTest, ListsEveryHoleOfARow) {
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  offer(one_.event(7));
  offer(one_.gap(10, 12));
  offer(one_.event(14));
  std::vector<std::string> ranges;
  for (const Hole& hole : holes())
    ranges.push_back(std::to_string(hole.from) + "-" + std::to_string(hole.to));
  EXPECT_THAT(ranges, ElementsAre("2-2", "4-6", "8-9", "13-13"));
}

TEST_F(GateTest, HoldsAnEpochWhoseOpeningWasNotSeen) {
  EXPECT_EQ(verdict(one_.event(8)), Verdict::kHeld);
  ASSERT_EQ(holes().size(), 1u);
  EXPECT_EQ(holes()[0].kind, Hole::Kind::kBeginning);
  EXPECT_EQ(holes()[0].from, 1u);
  EXPECT_EQ(holes()[0].to, 7u);
  EXPECT_EQ(offer(one_.opened(0, 6)).applied, 2u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/7", "1/8"));
}

TEST_F(GateTest, HoldsAnEpochUntilItsPredecessorIsComplete) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  EXPECT_EQ(verdict(two_.opened(1, 4)), Verdict::kHeld);
  EXPECT_EQ(verdict(two_.event(6)), Verdict::kHeld);
  ASSERT_EQ(holes().size(), 1u);
  EXPECT_EQ(holes()[0].kind, Hole::Kind::kPredecessor);
  EXPECT_EQ(holes()[0].epoch.value, 1u);
  EXPECT_EQ(holes()[0].from, 3u);
  EXPECT_EQ(holes()[0].to, 4u);
  EXPECT_EQ(offer(one_.event(3)).applied, 1u);
  EXPECT_EQ(offer(one_.event(4)).applied, 3u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/2", "1/3", "1/4", "2/5", "2/6"));
}

TEST_F(GateTest, OpensAChainOfWaitingEpochs) {
  offer(three_.opened(2, 2));
  offer(two_.opened(1, 1));
  EXPECT_THAT(sink_.applied, IsEmpty());
  offer(one_.opened(0, 0));
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "2/2", "3/3"));
}

TEST_F(GateTest, AsksForThePredecessorThatWasNeverSeen) {
  offer(two_.opened(1, 4));
  ASSERT_EQ(holes().size(), 1u);
  EXPECT_EQ(holes()[0].epoch.value, 1u);
  EXPECT_EQ(holes()[0].from, 1u);
  EXPECT_EQ(holes()[0].to, 4u);
}

TEST_F(GateTest, AsksForAPredecessorsHoleAndForItsTail) {
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  offer(two_.opened(1, 5));
  std::vector<std::string> ranges;
  for (const Hole& hole : holes())
    ranges.push_back(hole.epoch.text().substr(15) + ":" + std::to_string(hole.from) + "-" +
                     std::to_string(hole.to));
  EXPECT_THAT(ranges, ElementsAre("1:2-2", "1:4-5"));
}

// The edge lost its tail after forwarding it, or an old copy of its state was started.
TEST_F(GateTest, OpensAtOnceWhenMoreWasAppliedThanThePredecessorRemembers) {
  offer(one_.opened(0, 0));
  for (core::Seq seq = 2; seq <= 9; ++seq) offer(one_.event(seq));
  sink_.take();
  EXPECT_EQ(verdict(two_.opened(1, 6)), Verdict::kApplied);
  EXPECT_EQ(verdict(two_.event(8)), Verdict::kApplied);
  EXPECT_EQ(verdict(one_.event(10)), Verdict::kApplied);
  EXPECT_THAT(sink_.applied, ElementsAre("2/7", "2/8", "1/10"));
}

TEST_F(GateTest, LetsBothClonesOfOnePredecessorGoOn) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  EXPECT_EQ(verdict(two_.opened(1, 2)), Verdict::kApplied);
  EXPECT_EQ(verdict(three_.opened(1, 3)), Verdict::kHeld);
  EXPECT_EQ(verdict(two_.event(4)), Verdict::kApplied);
  EXPECT_EQ(offer(one_.event(3)).applied, 2u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/2", "2/3", "2/4", "1/3", "3/4"));
}

TEST_F(GateTest, AGapRecordAppliesTheHeldAndCountsOnlyTheAbsent) {
  offer(one_.opened(0, 0));
  offer(one_.event(4));
  offer(one_.event(8));
  const Answer answer = offer(one_.gap(2, 6));
  EXPECT_EQ(answer.verdict, Verdict::kApplied);
  EXPECT_EQ(answer.applied, 1u);
  EXPECT_EQ(answer.absent, 4u);
  EXPECT_EQ(offer(one_.event(7)).applied, 2u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/4", "1/7", "1/8"));
}

TEST_F(GateTest, AGapRecordThatBeginsBelowNextCounts) {
  offer(one_.opened(0, 0));
  offer(one_.event(2));
  const Answer answer = offer(one_.gap(2, 3));
  EXPECT_EQ(answer.absent, 1u);
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kApplied);
}

TEST_F(GateTest, AGapRecordAboveNextIsHeld) {
  offer(one_.opened(0, 0));
  EXPECT_EQ(verdict(one_.gap(3, 5)), Verdict::kHeld);
  EXPECT_EQ(verdict(one_.gap(3, 5)), Verdict::kDuplicate);
  const Answer answer = offer(one_.event(2));
  EXPECT_EQ(answer.applied, 1u);
  EXPECT_EQ(answer.absent, 3u);
  EXPECT_EQ(verdict(one_.event(6)), Verdict::kApplied);
  EXPECT_EQ(store_.rows()[0].held, 0u);
}

TEST_F(GateTest, AGapRecordBelowNextIsADuplicate) {
  offer(one_.opened(0, 0));
  offer(one_.gap(2, 3));
  EXPECT_EQ(verdict(one_.gap(2, 3)), Verdict::kDuplicate);
}

TEST_F(GateTest, AnEventOfAGivenUpRangeIsLateAndNeverSkipped) {
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  offer(one_.gap(2, 4));
  EXPECT_EQ(verdict(one_.event(2)), Verdict::kLate);
  EXPECT_EQ(verdict(one_.event(3)), Verdict::kDuplicate);
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kLate);
  EXPECT_THAT(sink_.came_late, ElementsAre("1/2", "1/4"));
}

TEST_F(GateTest, AGapRecordThatCoversTheOpeningActsAsIt) {
  offer(one_.opened(0, 0));
  const core::EpochOpened opened{core::Epoch{1}, 1, std::nullopt, "start"};
  EXPECT_EQ(offer(two_.gap(2, 3, core::GapReason::kTrimmed, opened)).absent, 2u);
  EXPECT_EQ(verdict(two_.event(4)), Verdict::kApplied);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "2/4"));
}

TEST_F(GateTest, AGapRecordClosesTheEndOfAPredecessor) {
  offer(one_.opened(0, 0));
  offer(two_.opened(1, 4));
  EXPECT_EQ(offer(one_.gap(2, 4)).applied, 1u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "2/5"));
}

TEST_F(GateTest, ASecondOpeningOfAnEpochIsPoison) {
  offer(one_.opened(0, 0));
  EXPECT_EQ(verdict(one_.opened(9, 5)), Verdict::kPoison);
  EXPECT_EQ(store_.rows()[0].next, 2u);
}

// A machine that had trimmed the epoch's beginning answered first; then an old card shows up.
TEST_F(GateTest, AnOpeningInAGivenUpRangeIsLate) {
  const core::EpochOpened unknown{core::Epoch{}, 0, std::nullopt, "trimmed"};
  EXPECT_EQ(offer(two_.gap(1, 9, core::GapReason::kTrimmed, unknown)).absent, 9u);
  EXPECT_EQ(verdict(two_.opened(1, 4)), Verdict::kLate);
  EXPECT_EQ(verdict(two_.event(6)), Verdict::kLate);
  EXPECT_EQ(verdict(two_.event(10)), Verdict::kApplied);
}

TEST_F(GateTest, AGapRecordFromTheFirstSeqOpensTheEpochThatItGivesUp) {
  offer(one_.opened(0, 0));
  offer(three_.opened(2, 43));
  EXPECT_EQ(offer(two_.gap(1, 43)).applied, 1u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "3/44"));
  EXPECT_EQ(verdict(two_.opened(1, 1)), Verdict::kLate);
  EXPECT_THAT(holes(), IsEmpty());
}

TEST_F(GateTest, AGapRecordThatKnowsTheOpeningLessWellStillCounts) {
  offer(one_.opened(0, 0));
  offer(two_.opened(1, 1));
  const core::EpochOpened unknown{core::Epoch{}, 0, std::nullopt, "trimmed"};
  EXPECT_EQ(offer(two_.gap(1, 5, core::GapReason::kTrimmed, unknown)).absent, 3u);
  EXPECT_EQ(verdict(two_.event(6)), Verdict::kApplied);
}

TEST_F(GateTest, AnUnopenedEpochCanAlwaysBeSkipped) {
  offer(three_.opened(2, 43));
  offer(two_.gap(2, 43));
  bool skippable = false;
  for (const Hole& hole : holes())
    if (hole.epoch.value == 2) skippable = true;
  EXPECT_TRUE(skippable);
  ASSERT_TRUE(skip(two_.row()));
  EXPECT_THAT(sink_.applied, ElementsAre("3/44"));
}

TEST_F(GateTest, LanesAndGatewaysDoNotWaitForEachOther) {
  const LaneMaker alarm("plant-7", 1, core::Lane::kAlarm);
  const LaneMaker other("plant-8", 1);
  offer(one_.opened(0, 0));
  offer(one_.event(9));
  EXPECT_EQ(verdict(alarm.opened(0, 0)), Verdict::kApplied);
  EXPECT_EQ(verdict(other.opened(0, 0)), Verdict::kApplied);
}

TEST_F(GateTest, AFullShareIsReadAgainWhenTheHoleCloses) {
  settings_.held_items_max = 2;
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  offer(one_.event(4));
  EXPECT_EQ(verdict(one_.event(5)), Verdict::kNotStored);
  EXPECT_EQ(verdict(one_.event(6)), Verdict::kNotStored);
  const Answer answer = offer(one_.event(2));
  EXPECT_EQ(answer.applied, 3u);
  ASSERT_EQ(answer.reread.size(), 1u);
  EXPECT_EQ(answer.reread[0].hub_stream, "EVENTS-main");
  EXPECT_EQ(answer.reread[0].hub_seq, 4u);
  EXPECT_EQ(verdict(one_.event(5)), Verdict::kApplied);
  EXPECT_EQ(verdict(one_.event(6)), Verdict::kApplied);
  EXPECT_THAT(holes(), IsEmpty());
}

TEST_F(GateTest, AFullShareBlocksItsLaneOnly) {
  settings_.held_items_max = 1;
  const LaneMaker alarm("plant-7", 1, core::Lane::kAlarm);
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kNotStored);
  offer(alarm.opened(0, 0));
  EXPECT_EQ(verdict(alarm.event(3)), Verdict::kHeld);
}

TEST_F(GateTest, TheShareIsBoundedInBytesToo) {
  settings_.held_bytes_max = one_.event(3).body.size() + 10;
  offer(one_.opened(0, 0));
  EXPECT_EQ(verdict(one_.event(3)), Verdict::kHeld);
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kNotStored);
}

TEST_F(GateTest, AWaitingEpochThatHadNoRoomIsReadAgain) {
  settings_.held_items_max = 0;
  offer(one_.opened(0, 0));
  EXPECT_EQ(verdict(two_.opened(1, 2)), Verdict::kNotStored);
  const Answer answer = offer(one_.event(2));
  ASSERT_EQ(answer.reread.size(), 1u);
  EXPECT_EQ(answer.reread[0].hub_seq, 2u);
  EXPECT_EQ(verdict(two_.opened(1, 2)), Verdict::kApplied);
}

// Stored nowhere is not absent: the range is given up only as far as what was not stored.
TEST_F(GateTest, AGapRecordDoesNotGiveUpWhatHadNoRoom) {
  settings_.held_items_max = 1;
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  EXPECT_EQ(verdict(one_.event(5)), Verdict::kNotStored);
  const Message gap = one_.gap(2, 6);
  const Answer answer = offer(gap);
  EXPECT_EQ(answer.absent, 2u);  // 2 and 4
  ASSERT_EQ(answer.reread.size(), 1u);
  EXPECT_EQ(verdict(one_.event(5)), Verdict::kApplied);
  EXPECT_EQ(offer(gap).absent, 1u);  // 6
  EXPECT_THAT(sink_.came_late, IsEmpty());
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/3", "1/5"));
}

TEST_F(GateTest, SkipStepsOverTheFirstHole) {
  offer(one_.opened(0, 0));
  offer(one_.event(3));
  offer(one_.event(6));
  const auto answer = skip(one_.row());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->absent, 1u);
  EXPECT_EQ(answer->applied, 1u);
  ASSERT_TRUE(skip(one_.row()));
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "1/3", "1/6"));
  EXPECT_EQ(verdict(one_.event(2)), Verdict::kLate);
}

TEST_F(GateTest, SkipBeginsAnEpochWhoseOpeningNeverCame) {
  offer(one_.event(8));
  ASSERT_TRUE(skip(one_.row()));
  EXPECT_THAT(sink_.applied, ElementsAre("1/8"));
  EXPECT_EQ(verdict(one_.event(7)), Verdict::kLate);
}

TEST_F(GateTest, SkipGivesUpAPredecessorThatWasNeverSeen) {
  offer(two_.opened(1, 4));
  ASSERT_TRUE(skip(one_.row()));
  EXPECT_THAT(sink_.applied, ElementsAre("2/5"));
  EXPECT_EQ(verdict(one_.event(4)), Verdict::kLate);
}

TEST_F(GateTest, SkipOfAWaitingEpochDoesNotWaitAnyLonger) {
  offer(one_.opened(0, 0));
  offer(two_.opened(1, 4));
  ASSERT_TRUE(skip(two_.row()));
  EXPECT_THAT(sink_.applied, ElementsAre("1/1", "2/5"));
  EXPECT_EQ(verdict(one_.event(2)), Verdict::kApplied);
}

TEST_F(GateTest, SkipWithoutAHoleIsRefused) {
  offer(one_.opened(0, 0));
  const auto answer = skip(one_.row());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, core::Errc::kNotFound);
  EXPECT_FALSE(skip(three_.row()));
}

TEST_F(GateTest, AvailableHistoryBeginsAtTheLowestOfTheFirstMessages) {
  settings_.history = History::kAvailable;
  settings_.beginning_missing = true;
  settings_.seed_messages = 3;
  EXPECT_EQ(verdict(one_.event(53)), Verdict::kHeld);
  EXPECT_EQ(verdict(one_.event(51)), Verdict::kHeld);
  EXPECT_EQ(offer(one_.event(52)).applied, 3u);
  EXPECT_THAT(sink_.applied, ElementsAre("1/51", "1/52", "1/53"));
  EXPECT_EQ(verdict(one_.event(50)), Verdict::kBeforeStart);
}

TEST_F(GateTest, AvailableHistoryBeginsAtTheEndOfTheHubStreamAtTheLatest) {
  settings_.history = History::kAvailable;
  settings_.beginning_missing = true;
  offer(one_.event(9));
  offer(two_.opened(1, 9));
  offer(two_.event(11));
  EXPECT_THAT(sink_.applied, IsEmpty());
  settle();
  EXPECT_THAT(sink_.applied, ElementsAre("1/9", "2/10", "2/11"));
}

TEST_F(GateTest, AvailableHistoryDoesNotWaitForAPredecessorThatIsGone) {
  settings_.history = History::kAvailable;
  settings_.beginning_missing = true;
  offer(two_.opened(1, 9));
  settle();
  EXPECT_THAT(sink_.applied, ElementsAre("2/10"));
  EXPECT_EQ(verdict(two_.event(11)), Verdict::kApplied);
}

TEST_F(GateTest, AvailableHistoryHoldsAsEverOnceALaneHasBegun) {
  settings_.history = History::kAvailable;
  settings_.beginning_missing = true;
  offer(one_.event(9));
  settle();
  EXPECT_EQ(verdict(one_.event(11)), Verdict::kHeld);
  settle();
  EXPECT_THAT(sink_.applied, ElementsAre("1/9"));
}

TEST_F(GateTest, WholeHistoryNeverBeginsInTheMiddle) {
  settings_.beginning_missing = true;
  offer(one_.event(9));
  settle();
  EXPECT_THAT(sink_.applied, IsEmpty());
}

}  // namespace
}  // namespace sluice::projection
