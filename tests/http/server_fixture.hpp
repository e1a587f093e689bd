// SPDX-License-Identifier: Apache-2.0
#pragma once

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

#include "http/client.hpp"
#include "http/event_stream.hpp"
#include "http/server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::http {

using namespace std::chrono_literals;

inline constexpr const char* kToken = "0123456789abcdef0123";

// A plain socket: sends what it is told, byte by byte if need be, and reads to the end.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* from = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in mine{};
    mine.sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, from, &mine.sin_addr), 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&mine), sizeof mine), 0);
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

// A server with a few routes on a thread of its own, over both kinds of sockets.
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

inline const std::string kHost = "Host: localhost\r\n";

}  // namespace sluice::http
