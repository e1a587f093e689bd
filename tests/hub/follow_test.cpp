// SPDX-License-Identifier: Apache-2.0
// Following a table by server-sent events, over the built program.
#include <gtest/gtest.h>

#include <map>

#include "tests/hub/event_reader.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::EventReader;
using test::eventually;
using test::HubProgram;
using test::SentEvent;
using test::TestPublisher;

// What a client that keeps a copy of `events` has, by seq.
class Copy {
 public:
  void take(const SentEvent& sent) {
    if (sent.event == "reset") {
      rows.clear();
      ++resets;
    }
    if (sent.data.contains("rows"))
      for (const auto& row : sent.data.at("rows").as_array())
        rows[row.as_object().at("seq").as_int64()] = row.as_object();
    if (sent.data.contains("removed"))
      for (const auto& row : sent.data.at("removed").as_array())
        rows.erase(row.as_object().at("seq").as_int64());
    if (!sent.id.empty()) last_id = sent.id;
  }
  // Reads until as many rows are there.
  bool fill(EventReader& reader, std::size_t count) {
    while (rows.size() != count) {
      const SentEvent sent = reader.next();
      if (sent.event.empty()) return false;
      take(sent);
    }
    return true;
  }
  std::map<std::int64_t, core::json::object> rows;
  std::string last_id;
  int resets = 0;
};

class FollowTest : public testing::Test {
 protected:
  FollowTest() { publisher_.make_hub_stream("main"); }
  void fill(core::Seq last) {
    publisher_.epoch_opened({}, 1);
    publisher_.events({}, 2, last);
    ASSERT_TRUE(eventually([&] { return hub_.effects() == static_cast<int>(last) - 1; }))
        << hub_.log();
  }
  test::NatsServer server_;
  TestPublisher publisher_{server_.url()};
  HubProgram hub_{server_.url()};
  const std::string events_ = "/v1/models/pumps/events/follow";
};

TEST_F(FollowTest, TheRowsComeFirstAndThenEachChange) {
  fill(1201);
  EventReader reader(hub_, events_ + "?limit=10000");
  EXPECT_TRUE(reader.head().starts_with("HTTP/1.1 200")) << reader.head();
  const SentEvent first = reader.next();
  EXPECT_EQ(first.event, "reset");
  EXPECT_EQ(first.data.at("why").as_string(), "begin");
  EXPECT_EQ(first.data.at("version").as_string(), "1");
  Copy copy;
  ASSERT_TRUE(copy.fill(reader, 1200));
  publisher_.events({}, 1202, 1300);
  ASSERT_TRUE(copy.fill(reader, 1299));
  EXPECT_EQ(copy.rows[1300].at("value").as_int64(), 1300);
  EXPECT_EQ(copy.resets, 0);
}

TEST_F(FollowTest, AFilterKeepsAwayWhatDoesNotFitAndFieldsWhatIsNotAskedFor) {
  fill(5);
  EventReader reader(hub_, events_ + "?value__ge=4&fields=value&seq__lt=1000");
  Copy copy;
  ASSERT_TRUE(copy.fill(reader, 2));
  EXPECT_EQ(copy.rows[4].size(), 5u) << "the key is always there";
  publisher_.event({}, 6, "Measured", R"({"k":1,"value":3})");
  publisher_.event({}, 7, "Measured", R"({"k":1,"value":7})");
  SentEvent sent = reader.next();
  while (!sent.data.at("rows").as_array().size()) {
    EXPECT_EQ(sent.data.at("removed").as_array().size(), 1u) << "it may have fitted before";
    sent = reader.next();
  }
  copy.take(sent);
  EXPECT_EQ(copy.rows.size(), 3u);
  EXPECT_TRUE(copy.rows.contains(7));
}

TEST_F(FollowTest, WhoComesBackGoesOnWhereItWasAndElseIsToldToForget) {
  fill(11);
  Copy copy;
  {
    EventReader reader(hub_, events_);
    ASSERT_TRUE(copy.fill(reader, 10));
  }
  publisher_.events({}, 12, 20);
  ASSERT_TRUE(eventually([&] { return hub_.effects() == 19; }));
  copy.resets = 0;
  {
    EventReader reader(hub_, events_, "Last-Event-ID: " + copy.last_id + "\r\n");
    ASSERT_TRUE(copy.fill(reader, 19));
    EXPECT_EQ(copy.resets, 0);
  }
  EXPECT_EQ(hub_.terminate(), 0);
  hub_.start();
  ASSERT_TRUE(eventually([&] { return hub_.effects() == 19; }));
  EventReader reader(hub_, events_ + "?since=" + copy.last_id);
  const SentEvent first = reader.next();
  EXPECT_EQ(first.event, "reset") << "another life of the program knows nothing of that id";
  copy.take(first);
  ASSERT_TRUE(copy.fill(reader, 19));
}

TEST_F(FollowTest, AViewIsSentAgainWhenItMayHaveChanged) {
  fill(11);
  EventReader reader(hub_, "/v1/models/pumps/totals/follow");
  const auto total = [&] {
    for (;;) {
      const SentEvent sent = reader.next();
      if (sent.event.empty()) return std::int64_t{-1};
      if (sent.event == "rows")
        return sent.data.at("rows").as_array().at(0).as_object().at("n").as_int64();
    }
  };
  EXPECT_EQ(total(), 10);
  publisher_.events({}, 12, 12);
  EXPECT_EQ(total(), 11);
}

TEST_F(FollowTest, AStopEndsTheStreamInOrder) {
  fill(3);
  EventReader reader(hub_, events_);
  Copy copy;
  ASSERT_TRUE(copy.fill(reader, 2));
  EXPECT_EQ(hub_.terminate(), 0);
  EXPECT_TRUE(reader.next().event.empty());
}

TEST_F(FollowTest, BadRequestsAreRefusedBeforeTheStreamBegins) {
  EXPECT_EQ(hub_.get("/v1/models/none/events/follow").status, 404u);
  EXPECT_EQ(hub_.get("/v1/models/pumps/none/follow").status, 404u);
  for (const char* query : {"?order=seq", "?page=x", "?nothing=1", "?seq=x", "?fields=none",
                            "?value__prefix=1", "?limit=0", "?after=x"})
    EXPECT_EQ(hub_.get(events_ + query).status, 400u) << query;
}

TEST_F(FollowTest, AManyTimesRestartedReaderUnderLoadEndsWithTheSameRows) {
  fill(2);
  Copy copy;
  core::Seq seq = 3;
  for (int round = 0; round < 6; ++round) {
    EventReader reader(hub_, events_ + "?limit=10000",
                       copy.last_id.empty() ? "" : "Last-Event-ID: " + copy.last_id + "\r\n");
    publisher_.events({}, seq, seq + 99);
    seq += 100;
    ASSERT_TRUE(copy.fill(reader, seq - 2)) << round;
  }
  EXPECT_LE(copy.resets, 1);
}

}  // namespace
}  // namespace sluice
