// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sluice::storage
