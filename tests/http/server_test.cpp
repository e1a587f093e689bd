// SPDX-License-Identifier: Apache-2.0
// The server against raw bytes, and against our own client.
#include "tests/http/server_fixture.hpp"

#include "core/unix_socket.hpp"

namespace sluice::http {
namespace {

TEST_F(HttpServer, ServesBothKindsOfSocketsAndKeepsConnections) {
  start();
  auto tcp = client();
  Client local({.unix_path = (folder_ / "s").string(), .host = {}, .port = 0});
  for (int i = 0; i < 3; ++i) {
    const auto hello = tcp.get("/hello/a%20b?q=1");
    ASSERT_TRUE(hello) << hello.error().message;
    EXPECT_EQ(hello->body, "a b1");
    const auto echo = local.post("/echo", "{}", "Application/JSON; charset=utf-8");
    ASSERT_TRUE(echo) << echo.error().message;
    EXPECT_EQ(echo->body, "application/json|{}");
  }
  std::size_t connections = 0;
  on_io([&] { connections = server_->connections(); });
  EXPECT_EQ(connections, 2u);
}

TEST_F(HttpServer, ATargetMayBeAWholeUrl) {
  start();
  const auto get = [&](const std::string& target) {
    return RawClient(port_)
        .send("GET " + target + " HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n")
        .read();
  };
  EXPECT_TRUE(get("http://localhost/hello/you?q=1").ends_with("\r\n\r\nyou1"));
  EXPECT_TRUE(get("http://localhost").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(get("http://localhost?q=1").starts_with("HTTP/1.1 404 "));
}

TEST_F(HttpServer, HeadHasTheLengthAndNoBody) {
  start();
  const std::string answer =
      RawClient(port_)
          .send("HEAD /hello/you HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n")
          .read();
  EXPECT_NE(answer.find("Content-Length: 4\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("X-Mine: 1\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServer, WhatBreaksHttpIsToldAndClosed) {
  start({.header_bytes_max = 1024, .body_bytes_max = 4096});
  const std::tuple<const char*, std::string, const char*> cases[] = {
      {"no HTTP", "\x94\x01\x02\x03 \r\n\r\n", "400"},
      {"bad length", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: x\r\n\r\n", "400"},
      {"negative length", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: -5\r\n\r\n", "400"},
      {"two lengths",
       "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       "400"},
      {"length and chunks",
       "POST /echo HTTP/1.1\r\n" + kHost +
           "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
       "400"},
      {"chunks and length",
       "POST /echo HTTP/1.1\r\n" + kHost +
           "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "400"},
      {"bad chunk", "POST /echo HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
       "400"},
      {"chunks beyond the limit",
       "POST /echo HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n", "413"},
      {"length beyond the limit",
       "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 99999999999\r\n\r\n", "413"},
      {"long header",
       "GET /hello/you HTTP/1.1\r\n" + kHost + "X: " + std::string(2000, 'x') + "\r\n\r\n", "431"},
      {"body shorter than its length",
       "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 10\r\n\r\nabc", "400"},
      {"no host", "GET /hello/you HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
      {"two hosts", "GET /hello/you HTTP/1.1\r\n" + kHost + kHost + "Connection: close\r\n\r\n",
       "400"},
  };
  for (const auto& [name, bytes, status] : cases) {
    const std::string answer = RawClient(port_).send(bytes).end().read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(status))) << name << ": " << answer;
    EXPECT_NE(answer.find("\"error\":{\"code\":"), std::string::npos) << name << ": " << answer;
  }
  EXPECT_EQ(served_, 0);
  EXPECT_TRUE(client().get("/hello/you"));
}

TEST_F(HttpServer, MoreBytesThanTheLengthAreTheNextRequest) {
  start();
  const std::string answer =
      RawClient(port_)
          .send("POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 2\r\n\r\nabGARBAGE\r\n\r\n")
          .end()
          .read();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_NE(answer.find("|abHTTP/1.1 400"), std::string::npos) << answer;
}

TEST_F(HttpServer, WhatBreaksOnlyOurRulesLeavesTheConnectionUsable) {
  start();
  RawClient raw(port_);
  raw.send("POST /nowhere HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc");
  EXPECT_NE(raw.read("}}\n").find("404"), std::string::npos);
  raw.send("DELETE /echo HTTP/1.1\r\n" + kHost + "\r\n");
  const std::string refused = raw.read("}}\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405")) << refused;
  EXPECT_NE(refused.find("Allow: POST\r\n"), std::string::npos);
  raw.send("GET /hello/you?q=%zz HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_TRUE(raw.read("}}\n").starts_with("HTTP/1.1 400"));
  raw.send("GET /hello/you HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_TRUE(raw.read("you-").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  start();
  std::string requests;
  for (int i = 0; i < 20; ++i)
    requests += "GET /hello/n" + std::to_string(i) + " HTTP/1.1\r\n" + kHost + "\r\n";
  const std::string answers = RawClient(port_).send(requests).end().read();
  std::size_t at = 0;
  for (int i = 0; i < 20; ++i) {
    at = answers.find("n" + std::to_string(i) + "-", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(HttpServer, ContinueIsSaidBeforeABodyIsAwaited) {
  start();
  RawClient raw(port_);
  raw.send("POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(raw.read("\r\n\r\n").starts_with("HTTP/1.1 100"));
  raw.send("abc");
  EXPECT_NE(raw.read("|abc").find("200 OK"), std::string::npos);
}

TEST_F(HttpServer, EachPhaseHasItsTime) {
  start({.header_timeout = 200ms,
         .body_timeout = 200ms,
         .answer_timeout = 200ms,
         .idle_timeout = 200ms});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(RawClient(port_).read(), "");                   // idle
  EXPECT_EQ(RawClient(port_).send("GET /hel").read(), "");  // header
  EXPECT_EQ(RawClient(port_)
                .send("POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 9\r\n\r\nab")
                .read(),
            "");                             // body
  const auto late = client().get("/later");  // answer
  ASSERT_TRUE(late);
  EXPECT_EQ(late->status, 503u);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 8s);
}

TEST_F(HttpServer, AHandlerMayAnswerFromAnotherThreadOrForgetTo) {
  start();
  std::thread answering([this] {
    ASSERT_TRUE(test::eventually([&] { return waits(); }));
    Respond respond;
    on_io([&] { respond = std::exchange(waiting_, {}); });
    respond({.body = "late"});
    respond({.body = "later"});
  });
  const auto answer = client().get("/later");
  answering.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "late");
  const auto forgotten = client().get("/never");
  ASSERT_TRUE(forgotten);
  EXPECT_EQ(forgotten->status, 500u);
}

TEST_F(HttpServer, TokensAreAskedForOnTcpAlone) {
  start({}, true);
  EXPECT_EQ(client().post("/echo", "x")->status, 401u);
  EXPECT_EQ(client({.token = "wrong"}).post("/echo", "x")->status, 401u);
  EXPECT_EQ(client({.token = kToken}).post("/echo", "x")->status, 200u);
  EXPECT_EQ(client().get("/hello/open")->status, 200u);
  Client local({.unix_path = (folder_ / "s").string(), .host = {}, .port = 0});
  EXPECT_EQ(local.post("/echo", "x")->status, 200u);
  EXPECT_EQ(served_, 2);
}

TEST_F(HttpServer, OtherNamesAndOtherSitesAreRefused) {
  start({.hosts = {"gateway.example"}});
  const auto status = [&](const std::string& lines) {
    return RawClient(port_)
        .send("GET /hello/you HTTP/1.1\r\nConnection: close\r\n" + lines + "\r\n")
        .read()
        .substr(9, 3);
  };
  EXPECT_EQ(status("Host: localhost:1\r\n"), "200");
  EXPECT_EQ(status("Host: 127.0.0.1\r\n"), "200");
  EXPECT_EQ(status("Host: gateway.example:80\r\n"), "200");
  EXPECT_EQ(status("Host: evil.example\r\n"), "403");
  EXPECT_EQ(status("Host: localhost\r\nOrigin: http://evil.example\r\n"), "403");
  EXPECT_EQ(status("Host: localhost\r\nOrigin: null\r\n"), "403");
  EXPECT_EQ(status("Host: localhost\r\nOrigin: http://localhost\r\n"), "200");
  // A token would not help.
  const std::string refused = RawClient(port_)
                                  .send(
                                      "GET /hello/you HTTP/1.1\r\nConnection: close\r\n"
                                      "Host: evil.example\r\n\r\n")
                                  .read();
  EXPECT_EQ(refused.find("WWW-Authenticate"), std::string::npos) << refused;
}

TEST_F(HttpServer, BodiesShareABudget) {
  start({.body_bytes_max = 1000, .body_bytes_total_max = 1500});
  RawClient slow(port_);
  slow.send("POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 1000\r\n\r\nab");
  ASSERT_TRUE(test::eventually([&] {
    const auto answer = client().post("/echo", std::string(1000, 'x'));
    return answer && answer->status == 503;
  }));
  EXPECT_EQ(client().post("/echo", std::string(400, 'x'))->status, 200u);
  slow.send(std::string(998, 'x'));
  EXPECT_TRUE(slow.read("xxx").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(test::eventually(
      [&] { return client().post("/echo", std::string(1000, 'x'))->status == 200; }));
}

TEST_F(HttpServer, AnythingButLoopbackNeedsAToken) {
  start();
  on_io([&] {
    const auto open = server_->listen_tcp(*TcpAddress::parse("0.0.0.0:0"));
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, core::Errc::kConfig);
    const auto taken = server_->listen_tcp({.ip = "127.0.0.1", .port = port_, .loopback = true});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, core::Errc::kBusy);
    const auto guarded = server_->listen_tcp(*TcpAddress::parse("0.0.0.0:0"),
                                             *Tokens::load(folder_.write("t", kToken).string()));
    EXPECT_TRUE(guarded);
  });
}

const std::string kGetStream = "GET /stream HTTP/1.1\r\n" + kHost + "\r\n";

TEST_F(HttpServer, AStreamFlowsInChunksUntilTheHandlerEndsIt) {
  start();
  RawClient raw(port_);
  raw.send(kGetStream);
  const std::string head = raw.read("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos) << head;
  EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos) << head;
  EXPECT_NE(head.find("X-Mine: 1"), std::string::npos) << head;
  const auto stream = current_stream();
  EXPECT_TRUE(stream->send(server_sent("row", "a\nb", "7")));
  EXPECT_EQ(raw.read("\n\n\r\n"), "22\r\nevent: row\nid: 7\ndata: a\ndata: b\n\n\r\n");
  stream->close();
  EXPECT_FALSE(stream->send("x"));
  EXPECT_EQ(raw.read("0\r\n\r\n"), "0\r\n\r\n");
  raw.send("GET /hello/you HTTP/1.1\r\n" + kHost + "\r\n");
  EXPECT_TRUE(raw.read("you-").starts_with("HTTP/1.1 200")) << "the connection stays";
}

TEST_F(HttpServer, AStreamWhoseClientGoesIsClosed) {
  start();
  {
    RawClient raw(port_);
    raw.send(kGetStream).read("\r\n\r\n");
    EXPECT_FALSE(current_stream()->closed());
  }
  EXPECT_TRUE(test::eventually([&] { return current_stream()->closed(); }));
  EXPECT_EQ(changes_, 1) << "the handler is told";
  EXPECT_FALSE(current_stream()->send("x"));
}

TEST_F(HttpServer, AStreamTakesNoMoreThanItsBufferAndTellsOfRoom) {
  start();
  RawClient raw(port_);
  raw.send(kGetStream);
  ASSERT_TRUE(test::eventually([&] { return current_stream() != nullptr; }));
  const auto stream = current_stream();
  std::size_t sent = 0;
  const std::string piece(90'000, 'x');
  // The kernel's buffers take some megabytes of what nobody reads, the stream takes no more.
  // A refusal only says that the server's thread has not been round yet: a lasting one is meant.
  auto refused_since = std::chrono::steady_clock::time_point::max();
  ASSERT_TRUE(test::eventually([&] {
    while (stream->send(piece)) {
      sent += piece.size();
      refused_since = std::chrono::steady_clock::now();
    }
    return std::chrono::steady_clock::now() - refused_since > 200ms;
  }));
  const int before = changes_;
  std::string text = raw.read("\r\n\r\n");
  std::size_t got = 0;
  while (changes_ == before) {
    text = raw.read("x");
    got += static_cast<std::size_t>(std::count(text.begin(), text.end(), 'x'));
    ASSERT_FALSE(text.empty());
  }
  EXPECT_LE(got, sent);
  EXPECT_TRUE(test::eventually([&] { return stream->send(piece); }));
}

TEST_F(HttpServer, StreamsAreCountedBeatAndEndWithTheServer) {
  start({.streams_max = 1, .stream_beat = 100ms});
  RawClient raw(port_);
  raw.send(kGetStream);
  EXPECT_NE(raw.read(": beat\n\n").find(": beat"), std::string::npos);
  std::size_t open = 0;
  on_io([&] { open = server_->streams(); });
  EXPECT_EQ(open, 1u);
  const auto refused = client().get("/stream");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503u);
  EXPECT_NE(refused->body.find("too many open streams"), std::string::npos);
  EXPECT_TRUE(test::eventually([&] { return current_stream()->closed(); }))
      << "one that is refused is closed";
  std::promise<void> drained;
  on_io([&] { server_->drain([&] { drained.set_value(); }); });
  EXPECT_TRUE(raw.read().ends_with("0\r\n\r\n"));
  EXPECT_EQ(drained.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(HttpServer, DrainAnswersWhatIsInWork) {
  start();
  auto idle = client();
  ASSERT_TRUE(idle.get("/hello/you"));
  auto pending = std::async(std::launch::async, [&] { return client().get("/later"); });
  ASSERT_TRUE(test::eventually([&] { return waits(); }));
  std::promise<void> drained;
  on_io([&] { server_->drain([&] { drained.set_value(); }); });
  EXPECT_FALSE(client({.timeout = 500ms}).get("/hello/you"));
  on_io([&] { waiting_({.body = "done"}); });
  const auto answer = pending.get();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "done");
  EXPECT_EQ(drained.get_future().wait_for(5s), std::future_status::ready);
}

}  // namespace
}  // namespace sluice::http
