// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/connection.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "tests/support/nats_server.hpp"
#include "tests/sync/silent_peer.hpp"

namespace sluice::nats {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::SilentTlsPeer;

ConnectionOptions options_for(const std::string& url) {
  ConnectionOptions options;
  options.login.urls = {url};
  options.name = "test";
  options.connect_timeout = 2s;
  return options;
}

TEST(Connection, DeliversHeadersReplyAndPayload) {
  test::NatsServer server;
  auto connection = Connection::connect(options_for(server.url()));
  ASSERT_TRUE(connection) << connection.error().message;
  std::mutex mutex;
  std::vector<std::string> seen;
  auto subscription = (*connection)->subscribe("a.>", [&](Message message) {
    const std::lock_guard lock(mutex);
    seen.push_back(std::string(message.subject()) + "|" + std::string(message.reply()) + "|" +
                   message.header("Nats-Msg-Id").value_or("-") + "|" +
                   std::string(message.payload()));
  });
  ASSERT_TRUE(subscription);
  ASSERT_TRUE((*connection)->publish("a.b", "one"));
  ASSERT_TRUE((*connection)->publish("a.c", "two", {{"Nats-Msg-Id", "x.1"}}, "back"));
  ASSERT_TRUE((*connection)->flush(2s));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return seen.size() == 2;
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{"a.b||-|one", "a.c|back|x.1|two"}));
  EXPECT_GT((*connection)->bytes().sent, 30u);
  EXPECT_GT((*connection)->bytes().received, 10u);
  EXPECT_GT((*connection)->server_info().max_payload, 1000u);
}

TEST(Connection, InboxesAndRequestsStayUnderThePrefix) {
  test::NatsServer server;
  auto options = options_for(server.url());
  options.inbox_prefix = "_INBOX_plant-7";
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection);
  EXPECT_TRUE((*connection)->new_inbox().starts_with("_INBOX_plant-7."));
  std::string reply_subject;
  auto echo = (*connection)->subscribe("echo", [&](Message message) {
    reply_subject = message.reply();
    (void)(*connection)->publish(reply_subject, message.payload());
  });
  auto answer = (*connection)->request("echo", "hello", 2s);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->payload(), "hello");
  EXPECT_TRUE(reply_subject.starts_with("_INBOX_plant-7.")) << reply_subject;
}

TEST(Connection, TellsNoResponderFromNoAnswer) {
  test::NatsServer server;
  auto connection = Connection::connect(options_for(server.url()));
  ASSERT_TRUE(connection);
  auto nobody = (*connection)->request("nobody.there", "x", 2s);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, core::Errc::kNotFound) << nobody.error().message;
  auto mute = (*connection)->subscribe("mute", [](Message) {});
  auto silent = (*connection)->request("mute", "x", 100ms);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, core::Errc::kUnavailable);
  EXPECT_NE(silent.error().message.find("timeout"), std::string::npos);
}

TEST(Connection, PayloadAboveTheServersLimitIsRefusedHere) {
  test::NatsServer server({.config = "max_payload: 4096"});
  auto connection = Connection::connect(options_for(server.url()));
  ASSERT_TRUE(connection);
  EXPECT_EQ((*connection)->server_info().max_payload, 4096u);
  auto sent = (*connection)->publish("a", std::string(5000, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, core::Errc::kTooLarge) << sent.error().message;
  EXPECT_TRUE((*connection)->is_open());
}

TEST(Connection, KilledServerClosesItOnceAndNothingReconnects) {
  test::NatsServer server;
  std::atomic<int> closed{0};
  auto options = options_for(server.url());
  options.on_closed = [&](core::Error) { ++closed; };
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection);
  server.kill();
  EXPECT_TRUE(eventually([&] { return closed == 1; }));
  EXPECT_FALSE((*connection)->is_open());
  server.start();
  EXPECT_FALSE((*connection)->publish("a", "x"));
  connection->reset();
  EXPECT_EQ(closed, 1);
}

TEST(Connection, DestructorIsNoClosedEvent) {
  test::NatsServer server;
  std::atomic<int> closed{0};
  std::atomic<int> later{0};
  auto options = options_for(server.url());
  options.on_closed = [&](core::Error) { ++closed; };
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection);
  connection->reset();
  // nats.c tells of closed connections one after the other: when it tells of the next one, the word
  // about the first has been.
  options.on_closed = [&](core::Error) { ++later; };
  auto next = Connection::connect(options);
  ASSERT_TRUE(next);
  server.kill();
  EXPECT_TRUE(eventually([&] { return later == 1; }));
  EXPECT_EQ(closed, 0);
}

TEST(Connection, NextServerIsTriedAndNoServerIsAnError) {
  test::NatsServer server;
  auto options = options_for("nats://127.0.0.1:1");
  auto none = Connection::connect(options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, core::Errc::kUnavailable) << none.error().message;
  options.login.urls.push_back(server.url());
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection) << connection.error().message;
  EXPECT_EQ((*connection)->server_info().url, server.url());
}

TEST(Connection, SilentTlsPeerCostsOneConnectTimeoutAndThenTheNextServerIsTried) {
  test::NatsServer server;
  {
    SilentTlsPeer peer;
    auto options = options_for(peer.url());
    options.connect_timeout = 500ms;
    const auto begin = std::chrono::steady_clock::now();
    auto refused = Connection::connect(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::kUnavailable) << refused.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    options.login.urls.push_back(server.url());
    auto connection = Connection::connect(options);
    EXPECT_TRUE(connection);
  }
  // With the peer gone the threads that hung in its handshake end.
  EXPECT_TRUE(eventually([] { return Connection::abandoned() == 0; }));
}

}  // namespace
}  // namespace sluice::nats
