// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <thread>

#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::Lane;

class EventLogTest : public LogTest {};

TEST_F(EventLogTest, AnEventGetsSeqVersionAndId) {
  open();
  const Appended first = must_append(make_event("pump/7"));
  EXPECT_EQ(first.lane, Lane::kTelemetry);
  EXPECT_EQ(first.seq, 2u);  // 1 is EpochOpened
  EXPECT_EQ(first.version, 1u);
  EXPECT_EQ(first.epoch, log->epoch());
  EXPECT_FALSE(first.id.is_nil());
  EXPECT_FALSE(first.duplicate);
  const Appended second = must_append(make_event("pump/7"));
  EXPECT_EQ(second.seq, 3u);
  EXPECT_EQ(second.version, 2u);
  EXPECT_EQ(must_append(make_event("pump/8")).version, 1u);
}

TEST_F(EventLogTest, EveryLaneStartsWithEpochOpened) {
  open();
  for (const Lane lane : core::kLanes) {
    const auto records = read_all(lane);
    ASSERT_EQ(records.size(), 1u);
    const auto event = codec::decode_event(records.front().body);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->stream().text(), "sluice/" + std::string(core::lane_name(lane)));
    EXPECT_EQ(event->type, core::kTypeEpochOpened);
    EXPECT_EQ(event->epoch, log->epoch());
    const auto opened = codec::decode_epoch_opened(event->data);
    ASSERT_TRUE(opened);
    EXPECT_FALSE(opened->previous);
    EXPECT_EQ(opened->last_seq, 0u);
    EXPECT_FALSE(opened->chain);
  }
}

TEST_F(EventLogTest, UnackedEventsSurviveReopen) {
  open();
  const core::Epoch first_epoch = log->epoch();
  append_many(30);
  reopen();
  EXPECT_NE(log->epoch(), first_epoch);
  const auto records = read_all(Lane::kTelemetry);
  ASSERT_EQ(records.size(), 32u);
  const auto reopened = codec::decode_event(records.back().body);
  const auto opened = codec::decode_epoch_opened(reopened->data);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->previous, first_epoch);
  EXPECT_EQ(opened->last_seq, 31u);
  core::ChainHash chain{};
  for (std::size_t i = 0; i < 31; ++i) chain = core::chain_next(chain, records[i].body);
  EXPECT_EQ(opened->chain, chain);
  EXPECT_EQ(must_append(make_event("pump/7")).version, 31u);
  const auto epochs = reader()->epochs(Lane::kTelemetry);
  ASSERT_TRUE(epochs);
  ASSERT_EQ(epochs->size(), 2u);
  EXPECT_EQ(epochs->at(1).first_seq, 32u);
  EXPECT_EQ(epochs->at(1).opened.previous, first_epoch);
}

TEST_F(EventLogTest, AKnownIdWithTheSameContentGivesTheOriginalPosition) {
  open();
  NewEvent event = make_event("pump/7");
  event.id = make_id(1);
  event.occurred_at_ns = 42;
  const Appended first = must_append(event);
  must_append(make_event("pump/7"));
  event.expected = {Expected::Kind::kNone, 0};  // the check for a known id comes first
  const Appended again = must_append(event);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, first.seq);
  EXPECT_EQ(again.version, 1u);
  EXPECT_EQ(again.id, make_id(1));
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, 3u);
  const core::Epoch old_epoch = log->epoch();
  reopen();  // the ids in memory are rebuilt
  const Appended after = must_append(event);
  EXPECT_TRUE(after.duplicate);
  EXPECT_EQ(after.seq, first.seq);
  EXPECT_EQ(after.epoch, old_epoch);
}

TEST_F(EventLogTest, AKnownIdWithOtherContentIsAConflict) {
  open();
  NewEvent event = make_event("pump/7");
  event.id = make_id(1);
  event.occurred_at_ns = 42;
  must_append(event);
  std::vector<NewEvent> others(4, event);
  others[0].data = "\xc3";
  others[1].type = "Stopped";
  others[2].stream.entity = "8";
  others[3].occurred_at_ns.reset();
  for (const NewEvent& other : others) {
    const auto answer = append(other);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kIdConflict);
  }
}

TEST_F(EventLogTest, AnAtomicAppendWithPartlyKnownIdsIsAConflict) {
  open();
  AppendRequest request;
  request.events = {make_event("pump/7"), make_event("pump/7")};
  request.events[0].id = make_id(1);
  request.events[1].id = make_id(2);
  must_append(request.events[0]);
  const auto partly = append(request);
  ASSERT_FALSE(partly);
  EXPECT_EQ(partly.error().code, Errc::kIdConflict);
  request.events[1].id = make_id(1);
  const auto twice = append(request);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::kIdConflict);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, 2u);
}

TEST_F(EventLogTest, AnAtomicAppendIsStoredWholeOrNotAtAll) {
  open();
  AppendRequest request;
  request.events = {make_event("pump/7"), make_event("valve/1"), make_event("pump/7")};
  request.events[2].expected = {Expected::Kind::kExact, 5};
  const auto refused = append(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kVersionConflict);
  EXPECT_EQ(refused.error().current, 1);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, 1u);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).streams, 1u);
  request.events[2].expected = {Expected::Kind::kExact, 1};  // after the first of these
  const auto stored = append(request);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->at(0).seq, 2u);
  EXPECT_EQ(stored->at(2).seq, 4u);
  EXPECT_EQ(stored->at(2).version, 2u);
}

TEST_F(EventLogTest, ExpectedVersionsAreChecked) {
  open();
  const auto with = [](Expected expected) {
    NewEvent event = make_event("pump/7");
    event.expected = expected;
    return event;
  };
  EXPECT_FALSE(append(with({Expected::Kind::kExists, 0})));
  EXPECT_FALSE(append(with({Expected::Kind::kExact, 1})));
  EXPECT_TRUE(append(with({Expected::Kind::kNone, 0})));
  EXPECT_FALSE(append(with({Expected::Kind::kNone, 0})));
  EXPECT_TRUE(append(with({Expected::Kind::kExists, 0})));
  EXPECT_TRUE(append(with({Expected::Kind::kExact, 2})));
  const auto conflict = append(with({Expected::Kind::kExact, 2}));
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, Errc::kVersionConflict);
  EXPECT_EQ(conflict.error().current, 3);
  EXPECT_TRUE(append(with({Expected::Kind::kAny, 0})));
}

TEST_F(EventLogTest, OfManyWritersThatExpectOneVersionExactlyOneWins) {
  settings.lanes[core::index(Lane::kTelemetry)].commit_interval = std::chrono::milliseconds(5);
  open();
  constexpr int kWriters = 8;
  constexpr std::uint64_t kRounds = 20;
  std::atomic<std::uint64_t> won{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i)
    writers.emplace_back([&] {
      for (std::uint64_t version = 0; version < kRounds;) {
        NewEvent event = make_event("pump/7");
        event.expected = {Expected::Kind::kExact, version};
        const auto answer = append(event);
        if (answer) ++won;
        version =
            answer ? answer->front().version : static_cast<std::uint64_t>(answer.error().current);
      }
    });
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(won, log->lane_state(Lane::kTelemetry).last - 1);
  EXPECT_GE(won, kRounds);
  EXPECT_LT(won, kRounds + kWriters);
}

TEST_F(EventLogTest, AppendsThatWaitTogetherShareACommit) {
  settings.lanes[core::index(Lane::kTelemetry)].commit_interval = std::chrono::milliseconds(200);
  open();
  const std::uint64_t before = log->counters().commits;
  std::atomic<int> answered{0};
  for (int i = 0; i < 100; ++i)
    log->append({{make_event("pump/7")}, false}, [&](Answer answer) {
      EXPECT_TRUE(answer);
      ++answered;
    });
  ASSERT_TRUE(eventually([&] { return answered == 100; }));
  EXPECT_TRUE(eventually([&] { return log->counters().commits > before; }));
  EXPECT_LE(log->counters().commits - before, 3u);
}

TEST_F(EventLogTest, OneGroupSeesItsOwnIdsAndVersions) {
  settings.lanes[core::index(Lane::kTelemetry)].commit_interval = std::chrono::milliseconds(200);
  open();
  NewEvent event = make_event("pump/7");
  event.id = make_id(9);
  event.expected = {Expected::Kind::kNone, 0};
  NewEvent other = event;
  other.type = "Other";
  std::mutex mutex;
  std::vector<Answer> answers;
  for (const NewEvent& each : {event, event, other})
    log->append({{each}, false}, [&](Answer answer) {
      const std::lock_guard lock(mutex);
      answers.push_back(std::move(answer));
    });
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return answers.size() == 3;
  }));
  ASSERT_TRUE(answers[0]);
  ASSERT_TRUE(answers[1]);
  EXPECT_FALSE(answers[0]->front().duplicate);
  EXPECT_TRUE(answers[1]->front().duplicate);
  EXPECT_EQ(answers[1]->front().seq, answers[0]->front().seq);
  ASSERT_FALSE(answers[2]);
  EXPECT_EQ(answers[2].error().code, Errc::kIdConflict);
}

TEST_F(EventLogTest, AFullQueueRefusesAndForgetsNothing) {
  settings.lanes[core::index(Lane::kTelemetry)].commit_interval = std::chrono::seconds(10);
  settings.queue_events_max = 10;
  open();
  std::atomic<int> stored{0};
  std::atomic<int> busy{0};
  for (int i = 0; i < 25; ++i)
    log->append({{make_event("pump/7")}, false}, [&](Answer answer) {
      if (answer)
        ++stored;
      else if (answer.error().code == Errc::kBusy)
        ++busy;
    });
  EXPECT_EQ(busy, 15);
  log->stop();  // answers what is queued
  EXPECT_EQ(stored, 10);
  Answer after = append(make_event("pump/7"));
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, Errc::kUnavailable);
  EXPECT_EQ(read_all(Lane::kTelemetry).size(), 11u);
}

TEST_F(EventLogTest, BadRequestsAreRefusedBeforeTheQueue) {
  lane_map = {{"fire", Lane::kAlarm}};
  open();
  AppendRequest mixed;
  mixed.events = {make_event("pump/7"), make_event("fire/1")};
  EXPECT_EQ(append(mixed).error().code, Errc::kBadRequest);
  EXPECT_EQ(append(AppendRequest{}).error().code, Errc::kBadRequest);
  EXPECT_EQ(append(make_event("sluice/x")).error().code, Errc::kBadRequest);
  EXPECT_EQ(append(make_event("pump/7", "Measured", "")).error().code, Errc::kBadRequest);
  NewEvent big = make_event("pump/7", "Measured", std::string(core::limits::kEventBytes, 'x'));
  EXPECT_EQ(append(big).error().code, Errc::kTooLarge);
  AppendRequest heavy;
  heavy.events.assign(20, make_event("pump/7", "Measured", std::string(250'000, 'x')));
  EXPECT_EQ(append(heavy).error().code, Errc::kTooLarge);  // more than the queue may hold
  AppendRequest many;
  many.events.assign(core::limits::kAtomicAppendEvents + 1, make_event("pump/7"));
  EXPECT_EQ(append(many).error().code, Errc::kTooLarge);
  EXPECT_EQ(log->lane_state(Lane::kTelemetry).last, 1u);
}

TEST_F(EventLogTest, CategoriesGoToTheirLaneAndOwnEventsToSystem) {
  lane_map = {{"fire", Lane::kAlarm}};
  open();
  EXPECT_EQ(must_append(make_event("fire/1")).lane, Lane::kAlarm);
  EXPECT_EQ(must_append(make_event("pump/7")).lane, Lane::kTelemetry);
  AppendRequest own;
  own.own = true;
  own.events = {make_event("sluice/link", "LinkUp")};
  const auto stored = append(own);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->front().lane, Lane::kSystem);
  own.events = {make_event("sluice/telemetry", "LinkUp")};  // that stream lives in its lane
  EXPECT_FALSE(append(own));
  const auto link = log->read_stream({"sluice", "link"}, 1, 10);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->size(), 1u);
  const auto epochs = log->read_stream({"sluice", "telemetry"}, 1, 10);
  ASSERT_TRUE(epochs);
  EXPECT_EQ(epochs->size(), 1u);
}

TEST_F(EventLogTest, ACategoryThatMovedToAnotherLaneIsRefused) {
  open();
  must_append(make_event("pump/7"));
  close();
  lane_map = {{"pump", Lane::kBulk}};
  const auto moved = try_open();
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::kConfig);
  EXPECT_NE(moved.error().message.find("pump"), std::string::npos);
  lane_map.clear();
  open();
  EXPECT_EQ(must_append(make_event("pump/7")).version, 2u);
}

TEST_F(EventLogTest, TheQuotaRefusesNewEventsButKnowsOldOnes) {
  settings.lanes[core::index(Lane::kTelemetry)].quota_bytes = 300'000;
  open();
  NewEvent known = make_event("pump/7");
  known.id = make_id(1);
  must_append(known);
  const std::string data = "\xda\x08\x02" + std::string(0x802, 'x');
  Answer answer = append(make_event("pump/7", "Measured", data));
  for (int i = 0; i < 1000 && answer; ++i) answer = append(make_event("pump/7", "Measured", data));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kLimit);
  EXPECT_TRUE(must_append(known).duplicate);
}

TEST_F(EventLogTest, TheNumberOfStreamsIsLimited) {
  settings.streams_max = 3;
  open();  // sluice/telemetry is one of them
  must_append(make_event("pump/1"));
  must_append(make_event("pump/2"));
  const auto third = append(make_event("pump/3"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::kLimit);
  EXPECT_EQ(must_append(make_event("pump/2")).version, 2u);
}

TEST_F(EventLogTest, OnlyOneWriterAtATime) {
  open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kBusy);
}

TEST_F(EventLogTest, StartsThatDoNotLiveForAMinuteMakeTheNextOneWait) {
  const auto folder = scratch.path() / "log";
  EXPECT_EQ(EventLog::start_delay(folder, settings).count(), 0);
  open();
  EXPECT_EQ(EventLog::start_delay(folder, settings).count(), 1000);
  reopen();
  EXPECT_EQ(EventLog::start_delay(folder, settings).count(), 2000);
  reopen();
  EXPECT_EQ(EventLog::start_delay(folder, settings).count(), 4000);
  settings.restart_wait_max = std::chrono::milliseconds(0);
  EXPECT_EQ(EventLog::start_delay(folder, settings).count(), 0);
}

TEST_F(EventLogTest, TheBellRingsAfterEveryCommit) {
  open();
  std::atomic<int> rung{0};
  log->on_commit([&] { ++rung; });
  must_append(make_event("pump/7"));
  EXPECT_TRUE(eventually([&] { return rung > 0; }));
}

}  // namespace
}  // namespace sluice::storage
