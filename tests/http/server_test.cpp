// SPDX-License-Identifier: Apache-2.0
// The server against raw bytes, and against our own client.
#include "http/server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "core/unix_socket.hpp"
#include "http/client.hpp"
#include "http/event_stream.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

constexpr const char* kToken = "0123456789abcdef0123";

// A plain socket: sends what it is told, byte by byte if need be, and reads to the end.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval wait{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return *this;
  }
  RawClient& end() {
    ::shutdown(fd_, SHUT_WR);
    return *this;
  }
  // Everything until the server closes, or until `enough` was seen.
  std::string read(std::string_view enough = "\r\n\r\n never") {
    std::string text;
    char buffer[4096];
    while (text.find(enough) == std::string::npos) {
      const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) break;
      text.append(buffer, static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int fd_;
};

class HttpServer : public ::testing::Test {
 protected:
  void start(ServerSettings settings = {}, bool with_token = false) {
    Router router;
    router.add("POST", "/echo", [this](const Request& request, const Respond& respond) {
      ++served_;
      respond({.content_type = "text/plain", .body = request.content_type + "|" + request.body});
    });
    router.add(
        "GET", "/hello/{name}",
        [](const Request& request, const Respond& respond) {
          respond({.body = std::string(request.parameter("name")) +
                           std::string(request.query_value("q").value_or("-")),
                   .headers = {{"X-Mine", "1"}}});
        },
        true);
    router.add("GET", "/later",
               [this](const Request&, const Respond& respond) { waiting_ = respond; });
    router.add("GET", "/stream", [this](const Request&, const Respond& respond) {
      const auto stream = std::make_shared<EventStream>(100'000);
      stream->on_change([this] { ++changes_; });
      const std::lock_guard lock(stream_mutex_);
      stream_ = stream;
      respond({.headers = {{"X-Mine", "1"}}, .stream = stream});
    });
    router.add("GET", "/never", [](const Request&, const Respond&) {});
    server_ = std::make_unique<Server>(io_, std::move(settings), std::move(router), logger_);
    Tokens tokens;
    if (with_token) tokens = *Tokens::load(folder_.write("tokens", kToken).string());
    ASSERT_TRUE(server_->listen_unix(folder_ / "s", 0600));
    const auto bound = server_->listen_tcp(*TcpAddress::parse("127.0.0.1:0"), tokens);
    ASSERT_TRUE(bound) << bound.error().message;
    port_ = bound->port;
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpServer() override {
    if (!thread_.joinable()) return;
    on_io([this] {
      server_.reset();
      waiting_ = {};
    });
    guard_.reset();
    io_.stop();
    thread_.join();
  }
  void on_io(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  Client client(Client::Options options = {}) {
    return Client({.unix_path = {}, .host = "127.0.0.1", .port = port_}, std::move(options));
  }
  bool waits() {
    bool yes = false;
    on_io([&] { yes = static_cast<bool>(waiting_); });
    return yes;
  }

  std::shared_ptr<EventStream> current_stream() {
    const std::lock_guard lock(stream_mutex_);
    return stream_;
  }

  test::TempDir folder_;
  core::NullLogger logger_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
  Respond waiting_;
  std::atomic<int> served_ = 0;
  // Not std::atomic<std::shared_ptr>: libstdc++ 12 gives its lock back without a release, which the
  // thread sanitizer rightly calls a race.
  std::mutex stream_mutex_;
  std::shared_ptr<EventStream> stream_;
  std::atomic<int> changes_ = 0;
};

const std::string kHost = "Host: localhost\r\n";

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
}

TEST_F(HttpServer, ConnectionsBeyondTheCapWaitForAFreePlace) {
  start({.connections_max = 1});
  auto first = std::make_unique<Client>(client());
  ASSERT_TRUE(first->get("/hello/you"));
  EXPECT_FALSE(client({.timeout = 200ms}).get("/hello/you"));
  first.reset();
  EXPECT_TRUE(client().get("/hello/you"));
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
