// SPDX-License-Identifier: Apache-2.0
// Who gets a place where there are too few.
#include <deque>

#include "tests/http/server_fixture.hpp"

namespace sluice::http {
namespace {

TEST_F(HttpServer, ConnectionsBeyondTheCapWaitForAFreePlace) {
  start({.connections_max = 1});
  auto first = std::make_unique<Client>(client());
  ASSERT_TRUE(first->get("/hello/you"));
  EXPECT_FALSE(client({.timeout = 200ms}).get("/hello/you"));
  first.reset();
  EXPECT_TRUE(client().get("/hello/you"));
}

// Half a header, no request at all, half a body: whoever keeps the most of these makes room.
TEST_F(HttpServer, AClientThatKeepsAllPlacesWaitingMakesRoomForOthers) {
  start({.connections_max = 8});
  RawClient before(port_, "127.0.0.2");
  before.send("GET /hello/before HTTP/1.1\r\n");
  std::deque<RawClient> greedy;
  for (int i = 0; i < 20; ++i) {
    greedy.emplace_back(port_);
    if (i % 3 == 0) greedy.back().send("GET /hello/me HTTP/1.1\r\n");
    if (i % 3 == 1)
      greedy.back().send("POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 9\r\n\r\nx");
  }
  const auto began = std::chrono::steady_clock::now();
  RawClient other(port_, "127.0.0.3");
  other.send("GET /hello/other HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_TRUE(other.read("other-").ends_with("other-"));
  EXPECT_TRUE(client().get("/hello/same").has_value()) << "of the greedy one's own address";
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s) << "not by the header's limit of time";
  before.send(kHost + "\r\n");
  EXPECT_TRUE(before.read("before-").ends_with("before-")) << "it kept one only";
  EXPECT_EQ(greedy.front().read(), "") << "the oldest went";
}

TEST_F(HttpServer, ARequestAtWorkIsNeverClosedToMakeRoom) {
  start({.connections_max = 2});
  RawClient working(port_);
  working.send("GET /later HTTP/1.1\r\n" + kHost + "\r\n");
  ASSERT_TRUE(test::eventually([&] { return waits(); }));
  RawClient idle(port_);
  idle.send("GET /hello/idle HTTP/1.1\r\n");
  EXPECT_FALSE(client({.timeout = 500ms}).get("/hello/you")) << "each keeps one";
  on_io([&] { waiting_({.body = "done"}); });
  EXPECT_NE(working.read("done").find("200 OK"), std::string::npos);
}

}  // namespace
}  // namespace sluice::http
