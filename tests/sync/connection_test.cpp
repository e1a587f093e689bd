// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/connection.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "tests/support/nats_server.hpp"

namespace sluice::nats {
namespace {

using namespace std::chrono_literals;
using test::eventually;

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
  auto options = options_for(server.url());
  options.on_closed = [&](core::Error) { ++closed; };
  auto connection = Connection::connect(options);
  ASSERT_TRUE(connection);
  connection->reset();
  std::this_thread::sleep_for(50ms);  // room for a callback that must not come
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

// A listener that says it wants TLS and then never another word.
class SilentTlsPeer {
 public:
  SilentTlsPeer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int peer = -1; (peer = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        const std::string info =
            "INFO {\"server_id\":\"S\",\"version\":\"2.9.10\",\"max_payload\":1048576,"
            "\"headers\":true,\"tls_required\":true}\r\n";
        (void)!::write(peer, info.data(), info.size());
        const std::lock_guard lock(mutex_);
        peers_.push_back(peer);
      }
    });
  }
  ~SilentTlsPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    for (int peer : peers_) ::close(peer);
  }
  std::string url() const { return "tls://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> peers_;
  std::thread thread_;
};

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
