// SPDX-License-Identifier: Apache-2.0
// How a real sluiced starts, refuses to start, and ends.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <thread>

#include "core/unix_socket.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;

class StartStop : public SluicedTest {
 protected:
  test::Finished sluiced(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), test::program("sluiced"));
    return test::run(arguments);
  }
  std::string state_line() const { return "state = \"" + (folder_ / "s").string() + "\"\n"; }
};

TEST_F(StartStop, TheCommandLineSaysWhatItIs) {
  configure();
  const auto version = sluiced({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "sluiced " SLUICE_VERSION "\n");
  EXPECT_NE(sluiced({"--help"}).out.find("--check-config"), std::string::npos);
  EXPECT_EQ(sluiced({"--colour"}).code, 2);
  EXPECT_EQ(sluiced({"--config"}).code, 2);
  const auto checked = sluiced({"--config", config_.string(), "--check-config"});
  EXPECT_EQ(checked.code, 0);
  EXPECT_NE(checked.out.find(": ok"), std::string::npos);
  const auto printed = sluiced({"--config=" + config_.string(), "--print-config"});
  EXPECT_EQ(printed.code, 0);
  const auto again = folder_.write("again.toml", printed.out);
  EXPECT_EQ(sluiced({"--config", again.string(), "--print-config"}).out, printed.out);
}

TEST_F(StartStop, ABadConfigurationIsExit78WithFileLineAndKey) {
  const auto file =
      folder_.write("bad.toml", "[gateway]\nid = \"p\"\ncolour = 1\n[ingest]\nusers = 7\n");
  for (const char* action : {"--check-config", "--print-config"}) {
    const auto refused = sluiced({"--config", file.string(), action});
    EXPECT_EQ(refused.code, 78);
    EXPECT_EQ(refused.out, "");
    EXPECT_NE(refused.output.find(file.string() + ":3: gateway.colour: unknown key"),
              std::string::npos)
        << refused.output;
    EXPECT_NE(refused.output.find(file.string() + ":5: ingest.users: "), std::string::npos)
        << refused.output;
  }
  EXPECT_EQ(sluiced({"--config", (folder_ / "none").string()}).code, 78);
  EXPECT_EQ(sluiced({"--config",
                     folder_
                         .write("wide.toml",
                                "[gateway]\nid = \"p\"\n[ingest]\nhttp_listen = \"0.0.0.0:0\"\n")
                         .string()})
                .code,
            78);
}

TEST_F(StartStop, SigtermAnswersWhatWasTakenAndEndsInTime) {
  configure({}, "[log.telemetry]\ncommit_interval = \"500ms\"\n");
  start();
  auto client = rpc();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.send("append", one_event("pump/7", "T", i)));
  ASSERT_TRUE(client.call("status", no_params()));  // all of them were read
  auto idle = http();
  ASSERT_TRUE(idle.get("/healthz"));
  const auto told = std::chrono::steady_clock::now();
  sluiced_->signal(SIGTERM);
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer && answer->body) << i;
  }
  EXPECT_EQ(sluiced_->wait(), 0) << sluiced_->output();
  EXPECT_LT(std::chrono::steady_clock::now() - told, 5s);
  EXPECT_FALSE(std::filesystem::exists(socket("ingest")));
  start();
  EXPECT_EQ(status().at("lanes").at("telemetry").at("last").as_int64(), 52);
}

TEST_F(StartStop, AClientThatTakesNothingDoesNotDelayTheEnd) {
  start();
  auto lazy = rpc();
  for (int i = 0; i < 2000; ++i) {
    const std::string status =
        rpc::Packer().array(4).integer(0).integer(i).text("status").array(0).take();
    if (::send(lazy.native_handle(), status.data(), status.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      break;
  }
  const auto told = std::chrono::steady_clock::now();
  sluiced_->signal(SIGTERM);
  EXPECT_EQ(sluiced_->wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - told, 5s);
}

TEST_F(StartStop, SigkillLosesNothingThatWasAnswered) {
  configure();
  std::map<std::int64_t, std::string> answered;  // version -> id
  for (int round = 0; round < 5; ++round) {
    start();
    std::thread killer([this, round] {
      test::eventually([] { return false; }, std::chrono::milliseconds(20 + round * 30));
      sluiced_->signal(SIGKILL);
    });
    auto client = rpc();
    for (int i = 0; i < 200'000; ++i) {
      const auto answer = client.call("append", one_event("pump/7", "T", i));
      if (!answer) break;
      const auto event = rpc::Value::trusted(*answer).at(0);
      const bool is_new =
          answered.emplace(*event.find("version").integer(), *event.find("id").text()).second;
      ASSERT_TRUE(is_new);
    }
    killer.join();
    EXPECT_EQ(sluiced_->wait(), 128 + SIGKILL);
  }
  start();
  std::map<std::int64_t, std::string> stored;
  for (std::int64_t from = 1;;) {
    const auto page = *core::parse_json(
        http().get("/v1/streams/pump/7?limit=256&from=" + std::to_string(from))->body);
    for (const auto& event : page.at("events").as_array())
      stored.emplace(event.at("version").as_int64(), event.at("id").as_string().c_str());
    if (page.at("next").as_int64() == from) break;
    from = page.at("next").as_int64();
  }
  ASSERT_FALSE(answered.empty());
  for (const auto& [version, id] : answered) ASSERT_EQ(stored[version], id) << version;
}

TEST_F(StartStop, ASecondOneOnTheSameStateIsRefused) {
  start();
  const auto other =
      folder_.write("other.toml", "[gateway]\nid = \"plant-7\"\n" + state_line() + "run = \"" +
                                      (folder_ / "r2").string() + "\"\n");
  const auto refused = sluiced({"--config", other.string()});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("in use"), std::string::npos) << refused.output;
  const auto same = sluiced({"--config", config_.string()});
  EXPECT_EQ(same.code, 1);
  EXPECT_NE(same.output.find("another program listens on"), std::string::npos) << same.output;
  EXPECT_TRUE(ready());
}

TEST_F(StartStop, AnotherGatewaysLogIsExit78) {
  start();
  sluiced_->signal(SIGTERM);
  ASSERT_EQ(sluiced_->wait(), 0);
  const auto other =
      folder_.write("other.toml", "[gateway]\nid = \"plant-8\"\n" + state_line() + "run = \"" +
                                      (folder_ / "r").string() + "\"\n");
  const auto refused = sluiced({"--config", other.string()});
  EXPECT_EQ(refused.code, 78) << refused.output;
  EXPECT_NE(refused.output.find("plant-7"), std::string::npos) << refused.output;
}

TEST_F(StartStop, APortInUseAStateThatIsNoFolderAndALongPathAreTold) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage address{};
  address.ss_family = AF_INET;
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), 16), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  const auto port = (static_cast<unsigned char>(reinterpret_cast<char*>(&address)[2]) << 8) |
                    static_cast<unsigned char>(reinterpret_cast<char*>(&address)[3]);
  configure("http_listen = \"127.0.0.1:" + std::to_string(port) + "\"");
  const auto busy = run_to_end();
  EXPECT_EQ(busy.code, 1);
  EXPECT_NE(busy.output.find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << busy.output;
  ::close(taken);

  folder_.write("file", "x");
  const auto no_folder =
      sluiced({"--config", folder_
                               .write("c1.toml", "[gateway]\nid = \"p\"\nstate = \"" +
                                                     (folder_ / "file").string() + "\"\n")
                               .string()});
  EXPECT_EQ(no_folder.code, 1);
  EXPECT_NE(no_folder.output.find("([gateway] state) cannot be written to"), std::string::npos)
      << no_folder.output;

  const auto too_long = sluiced(
      {"--config", folder_
                       .write("c2.toml", "[gateway]\nid = \"p\"\n" + state_line() + "run = \"" +
                                             (folder_ / std::string(100, 'x')).string() + "\"\n")
                       .string()});
  EXPECT_EQ(too_long.code, 78);
  EXPECT_NE(too_long.output.find("the socket path"), std::string::npos) << too_long.output;
}

TEST_F(StartStop, AStateThatIsNotOursIsTold) {
  if (::geteuid() != 0) GTEST_FAIL() << "this test must run as root: it becomes another user";
  std::filesystem::create_directory(folder_ / "s");
  ::chmod((folder_ / "s").c_str(), 0755);
  ::chmod(folder_.path().c_str(), 0755);
  configure();
  const auto refused =
      test::run({test::program("sluiced"), "--config", config_.string()}, {.as_nobody = true});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("cannot be written to: Permission denied"), std::string::npos)
      << refused.output;
}

TEST_F(StartStop, WhatADeadOneLeftBehindIsReplaced) {
  start();
  sluiced_->kill();
  EXPECT_TRUE(std::filesystem::exists(socket("ingest")));
  start();
  EXPECT_TRUE(rpc().call("status", no_params()));
}

TEST_F(StartStop, ReadsAreServedWhileACrashLoopWaits) {
  configure();
  start();
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 1)));
  for (int i = 0; i < 3; ++i) {
    sluiced_->kill();
    start();
  }
  sluiced_->kill();
  config_ = folder_.write("wait.toml", "[gateway]\nid = \"plant-7\"\n" + state_line() + "run = \"" +
                                           (folder_ / "r").string() + "\"\n");
  start_without_waiting();
  ASSERT_TRUE(test::eventually([this] { return test::socket_answers(socket("http")); }));
  EXPECT_EQ(http().get("/readyz")->status, 503u);
  EXPECT_EQ(http().get("/healthz")->status, 200u);
  const auto refused = rpc().call("append", one_event("pump/7", "T", 2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kUnavailable);
  const auto page = rpc().call("read", one_map({{"stream", packed("pump/7")}}));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(rpc::Value::trusted(*page).find("events").size(), 1u);
  EXPECT_TRUE(rpc().call("status", no_params()));
  sluiced_->signal(SIGTERM);
  EXPECT_EQ(sluiced_->wait(5s), 0);
}

TEST_F(StartStop, TcpAsksForATokenWhereOneIsSet) {
  const auto port = test::free_port();
  const auto tokens = folder_.write("tokens", "0123456789abcdef\n");
  configure("http_listen = \"127.0.0.1:" + std::to_string(port) + "\"\ntoken_file = \"" +
            tokens.string() + "\"");
  start();
  const http::Endpoint there{.unix_path = {}, .host = "127.0.0.1", .port = port};
  const std::string event = R"({"stream":"a/1","type":"T","data":1})";
  EXPECT_EQ(http::Client(there).post("/v1/events", event)->status, 401u);
  EXPECT_EQ(http::Client(there).get("/v1/status")->status, 401u);
  EXPECT_EQ(http::Client(there).get("/healthz")->status, 200u);
  EXPECT_EQ(http::Client(there, {.token = "0123456789abcdef"}).post("/v1/events", event)->status,
            200u);
}

TEST_F(StartStop, OnlyTheUsersThatAreNamedMayAppend) {
  configure("users = [\"65533\"]");
  start();
  auto client = rpc();
  const auto refused = client.call("append", one_event("a/1", "T", 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kUnauthorized);
}

}  // namespace
}  // namespace sluice::gateway
