// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/pull_consumer.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "sync/nats/hub_stream_query.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::nats {
namespace {

using namespace std::chrono_literals;
using test::TestPublisher;

class PullConsumerTest : public testing::Test {
 protected:
  std::unique_ptr<Connection> connect() {
    ConnectionOptions options;
    options.login.urls = {server_.url()};
    auto connection = Connection::connect(options);
    EXPECT_TRUE(connection) << (connection ? "" : core::to_string(connection.error()));
    return connection ? std::move(*connection) : nullptr;
  }
  static PullOptions options(std::uint64_t start = 1) {
    PullOptions out;
    out.hub_stream = "EVENTS-main";
    out.start = start;
    return out;
  }
  // Reads until `count` messages are there; their sequences.
  static std::vector<std::uint64_t> read(PullConsumer& consumer, std::size_t count) {
    std::vector<std::uint64_t> out;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (out.size() < count && std::chrono::steady_clock::now() < deadline) {
      const auto batch = consumer.next(200ms);
      if (!batch) {
        ADD_FAILURE() << core::to_string(batch.error());
        return out;
      }
      for (const auto& pulled : *batch) out.push_back(pulled.sequence);
    }
    return out;
  }

  test::NatsServer server_;
  TestPublisher publisher_{server_.url()};
};

TEST_F(PullConsumerTest, DeliversEveryMessageFromTheStartInOrder) {
  publisher_.make_hub_stream("main");
  publisher_.events({}, 1, 3000);
  const auto connection = connect();
  auto consumer = PullConsumer::create(*connection, options(11));
  ASSERT_TRUE(consumer) << core::to_string(consumer.error());
  EXPECT_EQ((*consumer)->pending(), 2990u);
  const auto got = read(**consumer, 2990);
  ASSERT_EQ(got.size(), 2990u);
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], i + 11);
  EXPECT_EQ((*consumer)->pending(), 0u);
  const auto none = (*consumer)->next(50ms);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST_F(PullConsumerTest, FollowsWhatIsPublishedLaterAndNamesEachMessage) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  auto consumer = PullConsumer::create(*connection, options());
  ASSERT_TRUE(consumer);
  publisher_.event({}, 1, "Measured", R"({"value":1})");
  const auto batch = (*consumer)->next(5s);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->size(), 1u);
  EXPECT_EQ((*batch)[0].message.subject(), "ev.main.plant-7.telemetry.pump.Measured");
  EXPECT_EQ((*batch)[0].message_id(), "plant-7.0000000000001111.telemetry.1");
  EXPECT_GT((*batch)[0].stored_ns, 0);
}

TEST_F(PullConsumerTest, GoesOnAfterAPullHasExpired) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  PullOptions quick = options();
  quick.expires = 300ms;
  quick.heartbeat = 100ms;
  auto consumer = PullConsumer::create(*connection, quick);
  ASSERT_TRUE(consumer);
  const auto nothing = (*consumer)->next(1500ms);
  ASSERT_TRUE(nothing) << core::to_string(nothing.error());
  EXPECT_TRUE(nothing->empty());
  publisher_.events({}, 1, 3);
  EXPECT_EQ(read(**consumer, 3), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(PullConsumerTest, SaysThatTheHubStreamIsMissing) {
  const auto connection = connect();
  const auto consumer = PullConsumer::create(*connection, options());
  ASSERT_FALSE(consumer);
  EXPECT_EQ(consumer.error().code, core::Errc::kNotFound);
}

TEST_F(PullConsumerTest, SaysThatTheHubStreamWasDeleted) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  PullOptions quick = options();
  quick.expires = 1s;
  quick.heartbeat = 200ms;
  auto consumer = PullConsumer::create(*connection, quick);
  ASSERT_TRUE(consumer);
  publisher_.delete_hub_stream("main");
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  for (;;) {
    const auto batch = (*consumer)->next(100ms);
    if (!batch) {
      EXPECT_EQ(batch.error().code, core::Errc::kUnavailable);
      break;
    }
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never noticed";
  }
}

TEST_F(PullConsumerTest, SaysThatTheServerDied) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  auto consumer = PullConsumer::create(*connection, options());
  ASSERT_TRUE(consumer);
  server_.kill();
  EXPECT_TRUE(test::eventually([&] { return !(*consumer)->next(100ms); }));
}

TEST_F(PullConsumerTest, NoticesAServerThatHasGoneSilent) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  PullOptions quick = options();
  quick.heartbeat = 200ms;
  auto consumer = PullConsumer::create(*connection, quick);
  ASSERT_TRUE(consumer);
  server_.pause();
  EXPECT_TRUE(test::eventually([&] { return !(*consumer)->next(100ms); }));
  server_.resume();
}

TEST_F(PullConsumerTest, AnEventThatWearsAStatusHeaderIsAnEvent) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  auto consumer = PullConsumer::create(*connection, options());
  ASSERT_TRUE(consumer);
  ASSERT_TRUE(publisher_.connection().request("ev.main.x.telemetry.a.b", "", 5s,
                                              {{"Status", "409"}, {"Description", "Gone"}}));
  EXPECT_EQ(read(**consumer, 1), (std::vector<std::uint64_t>{1}));
}

TEST_F(PullConsumerTest, InterruptEndsAWait) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  auto consumer = PullConsumer::create(*connection, options());
  ASSERT_TRUE(consumer);
  std::thread other([&] { (*consumer)->interrupt(); });
  const auto began = std::chrono::steady_clock::now();
  const auto batch = (*consumer)->next(60s);
  other.join();
  ASSERT_TRUE(batch);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST_F(PullConsumerTest, LastPerSubjectGivesOneMessageEach) {
  publisher_.make_hub_stream("main");
  publisher_.event({}, 1, "A", "1");
  publisher_.event({}, 2, "A", "2");
  publisher_.event({}, 3, "B", "3");
  const auto connection = connect();
  PullOptions last = options();
  last.last_per_subject = true;
  last.filter = "ev.main.>";
  auto consumer = PullConsumer::create(*connection, last);
  ASSERT_TRUE(consumer) << core::to_string(consumer.error());
  EXPECT_EQ(read(**consumer, 2), (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(PullConsumerTest, HubStreamQueriesTellPositionsAndIdentities) {
  publisher_.make_hub_stream("main");
  const auto connection = connect();
  auto info = hub_stream_info(*connection, "EVENTS-main", 5s);
  ASSERT_TRUE(info) << core::to_string(info.error());
  EXPECT_EQ(info->first, 1u);
  EXPECT_EQ(info->last, 0u);
  publisher_.events({}, 1, 5);
  ASSERT_TRUE(test::eventually([&] {
    info = hub_stream_info(*connection, "EVENTS-main", 5s);
    return info && info->last == 5;
  }));
  EXPECT_EQ(info->messages, 5u);
  EXPECT_FALSE(info->created.empty());
  const auto there = message_id_at(*connection, "EVENTS-main", 3, 5s);
  ASSERT_TRUE(there);
  EXPECT_EQ(*there, "plant-7.0000000000001111.telemetry.3");
  const auto none = message_id_at(*connection, "EVENTS-main", 6, 5s);
  ASSERT_TRUE(none) << core::to_string(none.error());
  EXPECT_EQ(*none, std::nullopt);
  const auto missing = hub_stream_info(*connection, "EVENTS-none", 5s);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, core::Errc::kNotFound);
}

TEST(AckSubject, ReadsBothForms) {
  const auto old = AckSubject::parse("$JS.ACK.EVENTS-main.abc.1.42.7.1795229275410271038.3");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->sequence, 42u);
  EXPECT_EQ(old->stored_ns, 1795229275410271038);
  EXPECT_EQ(old->pending, 3u);
  const auto with_domain =
      AckSubject::parse("$JS.ACK._.ACCHASH.EVENTS-main.abc.1.42.7.1795229275410271038.3.random");
  ASSERT_TRUE(with_domain);
  EXPECT_EQ(with_domain->sequence, 42u);
  EXPECT_EQ(with_domain->pending, 3u);
  EXPECT_FALSE(AckSubject::parse("_INBOX.x"));
  EXPECT_FALSE(AckSubject::parse("$JS.ACK.S.c.1.nan.7.1.3"));
  EXPECT_FALSE(AckSubject::parse("$JS.ACK.S.c.1.42.7.1.3.4"));
}

}  // namespace
}  // namespace sluice::nats
