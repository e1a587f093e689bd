// SPDX-License-Identifier: Apache-2.0
// Server, Client and BlockingClient against each other over real Unix sockets.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <fstream>
#include <future>
#include <thread>

#include "rpc/blocking_client.hpp"
#include "rpc/client.hpp"
#include "rpc/frame.hpp"
#include "rpc/server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::rpc {
namespace {

using namespace std::chrono_literals;
using core::Errc;

// echo answers its params; later answers when release() is called; refuse is refused; flood sends
// notifications of 1 kB as long as there is room.
class TestService : public Service {
 public:
  void on_request(const std::shared_ptr<Session>& session, std::uint32_t id,
                  std::string_view method, Value params) override {
    ++requests;
    if (method == "echo") {
      session->answer(id, std::string(params.encoded()));
    } else if (method == "later") {
      waiting.emplace_back(session, id);
    } else if (method == "refuse") {
      session->answer(id, core::fail(Errc::kLimit, "no", "field"));
    } else if (method == "flood") {
      flooded = session;
      session->answer(id, std::string("\xc0"));
      on_room(session);
    } else {
      session->answer(id, core::fail(Errc::kUnsupported, "unknown method"));
    }
  }
  void on_notification(const std::shared_ptr<Session>& session, std::string_view method,
                       Value) override {
    session->notify("heard", Packer().array(1).text(method).take());
  }
  void on_room(const std::shared_ptr<Session>& session) override {
    if (session != flooded) return;
    const std::string kilobyte = Packer().array(1).text(std::string(1000, 'x')).take();
    for (; session->has_room(); ++floods) session->notify("kb", kilobyte);
  }
  void on_close(const std::shared_ptr<Session>&) override { ++closed; }
  void release() {
    for (const auto& [session, id] : std::exchange(waiting, {})) session->answer(id, "\xc3");
  }

  std::deque<std::pair<std::shared_ptr<Session>, std::uint32_t>> waiting;
  std::shared_ptr<Session> flooded;
  std::atomic<int> requests = 0, closed = 0, floods = 0;
};

class RpcSession : public ::testing::Test {
 protected:
  void listen(ServerSettings settings = {}, std::vector<uid_t> allowed = {}) {
    server_ = std::make_unique<Server>(io_, settings, service_, logger_);
    const auto listening = server_->listen(path(), 0666, std::move(allowed));
    ASSERT_TRUE(listening) << listening.error().message;
    thread_ = std::thread([this] { io_.run(); });
  }
  ~RpcSession() override {
    if (thread_.joinable()) {
      on_io([this] { server_.reset(); });
      guard_.reset();
      io_.stop();
      thread_.join();
    }
  }
  void on_io(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  BlockingClient connect() {
    auto client = BlockingClient::connect(path());
    EXPECT_TRUE(client) << (client ? "" : client.error().message);
    return std::move(*client);
  }
  std::filesystem::path path() const { return folder_ / "s"; }

  test::TempDir folder_;
  core::NullLogger logger_;
  TestService service_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

const std::string kParams = Packer().array(2).integer(7).text("x").take();
const std::string kEmpty = Packer().array(0).take();

TEST_F(RpcSession, ARequestIsAnsweredWithItsResultOrItsError) {
  listen();
  auto client = connect();
  const auto echoed = client.call("echo", kParams);
  ASSERT_TRUE(echoed);
  EXPECT_EQ(*echoed, kParams);
  const auto refused = client.call("refuse", kEmpty);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kLimit);
  EXPECT_EQ(refused.error().field, "field");
  const auto unknown = client.call("nonsense", kEmpty);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kUnsupported);
  EXPECT_TRUE(client.call("echo", kParams));
}

TEST_F(RpcSession, PipelinedRequestsBeyondTheLimitWaitAndAreAllAnswered) {
  listen({.in_flight_max = 4});
  auto client = connect();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.send("later", kEmpty));
  ASSERT_TRUE(test::eventually([&] { return service_.requests == 4; }));
  int answered = 0;
  while (answered < 20) {
    on_io([&] {
      EXPECT_LE(service_.waiting.size(), 4u);
      service_.release();
    });
    const auto answer = client.receive_for(20ms);
    ASSERT_TRUE(answer);
    if (*answer) ++answered;
  }
  EXPECT_EQ(service_.requests, 20);
}

TEST_F(RpcSession, APeerThatTakesNothingStopsTheFlood) {
  listen({.out_bytes_max = 50'000});
  auto client = connect();
  ASSERT_TRUE(client.send("flood", kEmpty));
  ASSERT_TRUE(test::eventually([&] { return service_.floods > 10; }));
  int before = -1;
  ASSERT_TRUE(test::eventually(
      [&] { return std::exchange(before, service_.floods.load()) == service_.floods; }));
  EXPECT_LT(service_.floods, 2000);
  const int stopped_at = service_.floods;
  for (int i = 0; i < stopped_at; ++i) ASSERT_TRUE(client.receive()) << i;
  EXPECT_TRUE(test::eventually([&] { return service_.floods > stopped_at; }));
}

TEST_F(RpcSession, AStalledPeerIsDropped) {
  listen({.out_bytes_max = 50'000, .stall_timeout = 300ms});
  auto taker = connect();
  ASSERT_TRUE(taker.send("flood", kEmpty));
  auto sender = connect();
  ASSERT_EQ(::send(sender.native_handle(), "\x94\x00", 2, 0), 2);
  auto idle = connect();
  EXPECT_TRUE(test::eventually([&] { return service_.closed == 2; }, 10s));
  EXPECT_TRUE(idle.call("echo", kParams));  // saying nothing is no stall
}

TEST_F(RpcSession, ABrokenMessageIsToldWithItsIdAndClosed) {
  listen();
  auto client = connect();
  ASSERT_TRUE(client.call("echo", kParams));
  const std::string bomb = std::string("\x94\x00\x2a\xa4", 4) + "echo" + "\x91\xdd\xff\xff\xff\xff";
  ASSERT_GT(::send(client.native_handle(), bomb.data(), bomb.size(), 0), 0);
  const auto told = client.receive();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->id, 42u);
  ASSERT_FALSE(told->body);
  EXPECT_EQ(told->body.error().code, Errc::kTooLarge);
  const auto end = client.receive();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::kUnavailable);
  EXPECT_TRUE(connect().call("echo", kParams));
}

TEST_F(RpcSession, AHalfClosedPeerStillGetsItsAnswers) {
  listen();
  auto client = connect();
  ASSERT_TRUE(client.send("later", kEmpty));
  ASSERT_TRUE(client.send("echo", kParams));
  ASSERT_EQ(::shutdown(client.native_handle(), SHUT_WR), 0);
  ASSERT_TRUE(client.receive());
  ASSERT_TRUE(test::eventually([&] { return service_.requests == 2; }));
  on_io([&] { service_.release(); });
  const auto late = client.receive();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->id, 1u);
  EXPECT_FALSE(client.receive());
  EXPECT_TRUE(test::eventually([&] { return service_.closed == 1; }));
}

TEST_F(RpcSession, AnIdThatIsStillInWorkIsRefused) {
  listen();
  auto client = connect();
  const std::string request = encode_request(5, "later", kEmpty);
  ASSERT_GT(::send(client.native_handle(), request.data(), request.size(), 0), 0);
  ASSERT_GT(::send(client.native_handle(), request.data(), request.size(), 0), 0);
  const auto refused = client.receive();
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->body);
  on_io([&] { service_.release(); });
  const auto answered = client.receive();
  ASSERT_TRUE(answered);
  EXPECT_TRUE(answered->body);
}

TEST_F(RpcSession, ConnectionsBeyondTheCapWaitForAFreePlace) {
  listen({.connections_max = 2});
  auto first = connect();
  auto second = connect();
  ASSERT_TRUE(first.call("echo", kParams) && second.call("echo", kParams));
  auto third = connect();
  ASSERT_TRUE(third.send("echo", kParams));
  const auto early = third.receive_for(100ms);
  ASSERT_TRUE(early);
  EXPECT_FALSE(*early);
  { const auto gone = std::move(first); }
  const auto late = third.receive();
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->body);
}

TEST_F(RpcSession, DrainAnswersWhatWasTakenAndThenCloses) {
  listen();
  auto client = connect();
  auto idle = connect();
  ASSERT_TRUE(client.send("later", kEmpty));
  ASSERT_TRUE(test::eventually([&] { return service_.requests == 1; }));
  std::promise<void> drained;
  on_io([&] { server_->drain([&] { drained.set_value(); }); });
  auto future = drained.get_future();
  EXPECT_FALSE(idle.receive());
  EXPECT_EQ(future.wait_for(50ms), std::future_status::timeout);
  EXPECT_FALSE(BlockingClient::connect(path()));
  on_io([&] { service_.release(); });
  const auto answered = client.receive();
  ASSERT_TRUE(answered);
  EXPECT_TRUE(answered->body);
  EXPECT_EQ(future.wait_for(5s), std::future_status::ready);
}

TEST_F(RpcSession, AnotherUidIsToldAndTurnedAway) {
  listen({}, {::getuid() + 1});
  auto client = connect();
  const auto answer = client.call("echo", kParams);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kUnauthorized);
  EXPECT_EQ(service_.requests, 0);
  EXPECT_FALSE(client.receive());
}

TEST_F(RpcSession, AStaleSocketIsReplacedALiveOneAndAFileAreNot) {
  listen();
  Server other(io_, {}, service_, logger_);
  const auto busy = other.listen(path(), 0600);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, Errc::kBusy);
  { std::ofstream(folder_ / "file") << "x"; }
  const auto file = other.listen(folder_ / "file", 0600);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::kConfig);
  const auto too_long = other.listen(folder_ / std::string(120, 'x'), 0600);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, Errc::kConfig);
  // A dead program's socket: bound, never listening again.
  const auto stale = core::UnixListener::open(folder_ / "stale", 0600);
  ASSERT_TRUE(stale);
  ::close(const_cast<core::UnixListener&>(*stale).release_fd());
  const auto taken = other.listen(folder_ / "stale", 0640);
  ASSERT_TRUE(taken) << taken.error().message;
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "stale").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

// The uplink's client runs its own io_context; here it is the test's thread.
class AsyncClient : public RpcSession {
 protected:
  template <class Condition>
  bool run_until(Condition done, std::chrono::milliseconds limit = 5s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done() && std::chrono::steady_clock::now() < end) {
      mine_.run_for(5ms);
      mine_.restart();
    }
    return done();
  }
  boost::asio::io_context mine_;
};

TEST_F(AsyncClient, RequestsAndNotificationsGoBothWays) {
  listen();
  Client client(mine_, {.socket = path()});
  std::vector<std::string> heard;
  std::string echoed;
  Errc refused = Errc::kInternal;
  client.on_notification([&](std::string_view method, Value params) {
    heard.push_back(std::string(method) + " " + std::string(params.at(0).text().value_or("")));
  });
  client.connect([&](core::Result<void> connected) {
    ASSERT_TRUE(connected);
    client.request("echo", kParams, [&](core::Result<Value> result) {
      ASSERT_TRUE(result);
      echoed = result->encoded();
    });
    client.request("refuse", kEmpty,
                   [&](core::Result<Value> result) { refused = result.error().code; });
    EXPECT_TRUE(client.notify("bell", kEmpty));
  });
  EXPECT_TRUE(run_until([&] { return !heard.empty() && refused == Errc::kLimit; }));
  EXPECT_EQ(echoed, kParams);
  EXPECT_EQ(heard[0], "heard bell");
  EXPECT_EQ(client.in_flight(), 0u);
}

TEST_F(AsyncClient, ALostConnectionAnswersWhatIsInFlightAndSaysSoOnce) {
  listen();
  Client client(mine_, {.socket = path()});
  int lost = 0, closed = 0;
  client.on_close([&](core::Error) {
    ++closed;
    EXPECT_EQ(lost, 2);
  });
  client.connect({});
  for (int i = 0; i < 2; ++i)
    client.request("later", kEmpty, [&](core::Result<Value> result) {
      EXPECT_FALSE(result);
      ++lost;
    });
  ASSERT_TRUE(run_until([&] { return service_.requests == 2; }));
  on_io([&] { server_.reset(); });
  EXPECT_TRUE(run_until([&] { return closed == 1; }));
  EXPECT_FALSE(client.is_open());
  bool refused = false;
  client.request("echo", kParams, [&](core::Result<Value> result) { refused = !result; });
  EXPECT_FALSE(refused);  // not inside the call
  EXPECT_TRUE(run_until([&] { return refused; }));
}

TEST_F(AsyncClient, NobodyThereIsUnavailable) {
  Client client(mine_, {.socket = folder_ / "nobody"});
  std::optional<core::Error> error;
  client.connect([&](core::Result<void> connected) {
    if (!connected) error = connected.error();
  });
  EXPECT_TRUE(run_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->code, Errc::kUnavailable);
}

TEST_F(AsyncClient, ASilentPeerTimesOut) {
  listen();
  Client client(mine_, {.socket = path(), .request_timeout = 200ms});
  std::optional<core::Error> answer;
  bool closed = false;
  client.on_close([&](core::Error) { closed = true; });
  client.connect({});
  client.request("later", kEmpty, [&](core::Result<Value> result) { answer = result.error(); });
  EXPECT_TRUE(run_until([&] { return closed; }));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, Errc::kUnavailable);
}

TEST_F(AsyncClient, MoreThanItsLimitInFlightIsBusy) {
  listen();
  Client client(mine_, {.socket = path(), .in_flight_max = 1});
  std::optional<core::Error> second;
  client.connect({});
  client.request("later", kEmpty, [](core::Result<Value>) {});
  client.request("echo", kParams, [&](core::Result<Value> result) { second = result.error(); });
  EXPECT_TRUE(run_until([&] { return second.has_value(); }));
  EXPECT_EQ(second->code, Errc::kBusy);
}

TEST_F(AsyncClient, ADestroyedClientCallsNobody) {
  listen();
  auto client = std::make_unique<Client>(mine_, Client::Options{.socket = path()});
  bool called = false;
  client->on_close([&](core::Error) { called = true; });
  client->connect([&](core::Result<void>) { called = true; });
  client->request("echo", kParams, [&](core::Result<Value>) { called = true; });
  client.reset();
  mine_.run_for(100ms);
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace sluice::rpc
