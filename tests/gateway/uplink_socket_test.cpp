// SPDX-License-Identifier: Apache-2.0
// What sluice-uplink says to sluiced, and who else may not.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/ids.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;

class UplinkSocket : public SluicedTest {
 protected:
  rpc::BlockingClient greeted() {
    auto client = rpc("uplink");
    const auto hello =
        client.call("hello", one_map({{"version", packed("1")}, {"pid", packed(7u)}}));
    EXPECT_TRUE(hello) << (hello ? "" : hello.error().message);
    if (hello) {
      EXPECT_EQ(rpc::Value::trusted(*hello).find("gateway").text(), "plant-7");
      epoch_ = *rpc::Value::trusted(*hello).find("epoch").text();
    }
    return client;
  }
  void append(int count) {
    auto client = rpc();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(client.call("append", one_event("pump/7", "T", i)));
  }
  std::int64_t acked() { return status().at("lanes").at("telemetry").at("acked").as_int64(); }
};

TEST_F(UplinkSocket, AcksMoveTheCursorAndARewindSetsItBack) {
  start();
  append(5);
  auto client = greeted();
  const auto acked_3 = client.call("acks", acks(3));
  ASSERT_TRUE(acked_3) << acked_3.error().message;
  ASSERT_TRUE(client.call("acks", acks(6)));
  EXPECT_TRUE(test::eventually([&] { return acked() == 6; }));
  const auto rewound =
      client.call("rewind", rpc::Packer().array(2).text("telemetry").integer(3).take());
  ASSERT_TRUE(rewound) << rewound.error().message;
  EXPECT_EQ(acked(), 3);
}

TEST_F(UplinkSocket, AnAckForWhatTheLogDoesNotHaveIsRefused) {
  start();
  append(2);
  auto client = greeted();
  const auto beyond = client.call("acks", acks(4));
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, Errc::kBadRequest);
  EXPECT_EQ(beyond.error().field, "acked");
  EXPECT_EQ(acked(), 0);
}

TEST_F(UplinkSocket, NothingBeforeHello) {
  start();
  auto client = rpc("uplink");
  const auto early =
      client.call("rewind", rpc::Packer().array(2).text("telemetry").integer(0).take());
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::kBadRequest);
}

TEST_F(UplinkSocket, EachCommitRingsTheBell) {
  start();
  auto client = greeted();
  append(1);
  const auto bell = client.receive();
  ASSERT_TRUE(bell);
  EXPECT_EQ(bell->method, "bell");
}

TEST_F(UplinkSocket, ItsOwnEventsAndSetAsideRangesAreStored) {
  start();
  append(2);
  auto client = greeted();
  const auto own = client.call("own_event", rpc::Packer()
                                                .array(3)
                                                .text("clock")
                                                .text("ClockAnchored")
                                                .map(1)
                                                .text("a")
                                                .integer(1)
                                                .take());
  ASSERT_TRUE(own) << own.error().message;
  const auto stored = http().get("/v1/streams/sluice/clock");
  ASSERT_TRUE(stored);
  EXPECT_EQ(core::parse_json(stored->body)->at("events").at(0).at("type").as_string(),
            "ClockAnchored");
  const auto aside = client.call("set_aside", rpc::Packer()
                                                  .array(5)
                                                  .text("telemetry")
                                                  .text(epoch_)
                                                  .integer(2)
                                                  .integer(2)
                                                  .text("oversize")
                                                  .take());
  EXPECT_TRUE(aside) << aside.error().message;
  EXPECT_FALSE(client.call("set_aside", rpc::Packer()
                                            .array(5)
                                            .text("telemetry")
                                            .text(epoch_)
                                            .integer(3)
                                            .integer(2)
                                            .text("oversize")
                                            .take()));
}

TEST_F(UplinkSocket, ItsWordsOfTheLinkAreShownAsTheyAre) {
  start();
  auto client = greeted();
  rpc::Packer link;
  link.array(1)
      .map(3)
      .text("state")
      .text("up")
      .text("bytes_sent_today")
      .integer(7)
      .text("lanes")
      .map(0);
  ASSERT_TRUE(client.notify("link", link.take()));
  ASSERT_TRUE(
      test::eventually([&] { return status().at("link").at("state").as_string() == "up"; }));
  EXPECT_EQ(status().at("link").at("bytes_sent_today").as_int64(), 7);
  EXPECT_NE(http().get("/metrics")->body.find("\nsluice_link_up 1\n"), std::string::npos);
  { const auto gone = std::move(client); }
  EXPECT_TRUE(
      test::eventually([&] { return status().at("link").at("state").as_string() == "stopped"; }));
}

// Connects to a socket as another user; in a child, since a uid belongs to the whole process.
Errc answer_for(uid_t uid, const std::filesystem::path& socket, const std::string& params) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(100);
    auto client = rpc::BlockingClient::connect(socket);
    if (!client) ::_exit(101);
    const auto answer = client->call("hello", params);
    ::_exit(answer ? 102 : static_cast<int>(answer.error().code));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return static_cast<Errc>(WEXITSTATUS(status));
}

TEST_F(UplinkSocket, AnotherUidIsTurnedAway) {
  if (::geteuid() != 0) GTEST_FAIL() << "this test must run as root: it becomes another user";
  config_ =
      folder_.write("sluice.toml", "[gateway]\nid = \"plant-7\"\nuplink_user = \"1\"\nstate = \"" +
                                       (folder_ / "s").string() + "\"\nrun = \"" +
                                       (folder_ / "r").string() + "\"\n");
  ::chmod(folder_.path().c_str(), 0755);
  start();
  const std::string params = one_map({{"version", packed("1")}});
  EXPECT_EQ(answer_for(65534, socket("uplink"), params), Errc::kUnauthorized);
  EXPECT_EQ(static_cast<int>(answer_for(1, socket("uplink"), params)), 102);
  auto own = rpc("uplink");
  EXPECT_TRUE(own.call("hello", params));
}

}  // namespace
}  // namespace sluice::gateway
