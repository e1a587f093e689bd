// SPDX-License-Identifier: Apache-2.0
// Following a table by server-sent events, over the built program.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::TestPublisher;

struct SentEvent {
  std::string event;
  std::string id;
  core::json::object data;
};

// A client that reads events from a chunked answer.
class EventReader {
 public:
  EventReader(const HubProgram& hub, const std::string& target, const std::string& more = {})
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const std::string url = hub.address();
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval wait{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    const std::string request =
        "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
    EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    while (raw_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    head_ = raw_.substr(0, raw_.find("\r\n\r\n"));
    raw_.erase(0, head_.size() + 4);
  }
  ~EventReader() { ::close(fd_); }
  EventReader(const EventReader&) = delete;
  const std::string& head() const { return head_; }

  // The next event; an empty one when the answer has ended.
  SentEvent next() {
    for (;;) {
      dechunk();
      const auto end = text_.find("\n\n");
      if (end == std::string::npos) {
        if (ended_ || !receive()) return {};
        continue;
      }
      const std::string block = text_.substr(0, end + 1);
      text_.erase(0, end + 2);
      SentEvent out;
      std::string data;
      std::size_t at = 0;
      while (at < block.size()) {
        const auto line = block.substr(at, block.find('\n', at) - at);
        at += line.size() + 1;
        if (line.starts_with("event: ")) out.event = line.substr(7);
        if (line.starts_with("id: ")) out.id = line.substr(4);
        if (line.starts_with("data: ")) data += line.substr(6);
      }
      if (out.event.empty()) continue;  // a beat
      auto parsed = core::parse_json(data);
      EXPECT_TRUE(parsed && parsed->is_object()) << data;
      if (parsed && parsed->is_object()) out.data = parsed->as_object();
      return out;
    }
  }

 private:
  bool receive() {
    char buffer[16384];
    const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    raw_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }
  void dechunk() {
    for (;;) {
      const auto line = raw_.find("\r\n");
      if (line == std::string::npos) return;
      const std::size_t size = std::stoul(raw_.substr(0, line), nullptr, 16);
      if (raw_.size() < line + 2 + size + 2) return;
      text_ += raw_.substr(line + 2, size);
      raw_.erase(0, line + 2 + size + 2);
      if (size == 0) {
        ended_ = true;
        return;
      }
    }
  }

  int fd_;
  std::string head_;
  std::string raw_;
  std::string text_;
  bool ended_ = false;
};

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
