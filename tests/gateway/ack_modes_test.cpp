// SPDX-License-Identifier: Apache-2.0
// What an answer means, per lane: on this disk, at the hub, or in memory. A real sluiced; the hub's
// word comes as sluice-uplink brings it.
#include <signal.h>

#include "core/ids.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;
using core::Errc;

constexpr const char* kId = "01890a5d-ac96-774b-bcce-b302099a8057";

class AckModes : public SluicedTest {
 protected:
  std::size_t stored() {
    return core::parse_json(http().get("/v1/streams/pump/7")->body)->at("events").as_array().size();
  }
};

TEST_F(AckModes, EveryAnswerSaysWhatItMeans) {
  start();
  const auto answer = rpc().call("append", one_event("pump/7", "T", 1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(rpc::Value::trusted(*answer).at(0).find("ack").text(), "disk");
  const auto posted = http().post("/v1/events", R"({"stream":"fire/1","type":"T","data":1})");
  EXPECT_EQ(core::parse_json(posted->body)->at("ack").as_string(), "disk");
  EXPECT_EQ(status().at("lanes").at("telemetry").at("ack").as_string(), "disk");
}

TEST_F(AckModes, AHubLaneAnswersWhenTheHubHasIt) {
  configure({}, "[log.telemetry]\nack = \"hub\"\n");
  start();
  auto client = rpc();
  const auto id = client.send("append", one_event("pump/7", "T", 1, kId));
  ASSERT_TRUE(id);
  ASSERT_TRUE(test::eventually([&] { return stored() == 1; }));
  const auto nothing = client.receive_for(300ms);  // on the disk, but the hub is away
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  EXPECT_EQ(status().at("acks").at("hub_waiting").as_int64(), 1);
  // Another lane is not held up by it.
  EXPECT_TRUE(rpc().call("append", one_event("fire/1", "T", 1)));

  auto hub = uplink();
  ASSERT_TRUE(hub.call("acks", acks(1)));  // EpochOpened alone
  EXPECT_FALSE(*client.receive_for(100ms));
  ASSERT_TRUE(hub.call("acks", acks(2)));
  const auto answer = client.receive();
  ASSERT_TRUE(answer && answer->body) << (answer ? answer->body.error().message : "");
  const rpc::Value event = rpc::Value::trusted(*answer->body).at(0);
  EXPECT_EQ(event.find("ack").text(), "hub");
  EXPECT_EQ(event.find("seq").integer(), 2);
  EXPECT_EQ(event.find("duplicate").boolean(), false);
}

TEST_F(AckModes, WithoutTheHubsWordTheAnswerIsUnavailableAndARetryWaitsAgain) {
  configure({}, "hub_timeout = \"200ms\"\n[log.telemetry]\nack = \"hub\"\n");
  start();
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const auto refused = rpc().call("append", one_event("pump/7", "T", 1, kId));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_NE(refused.error().message.find("stored, the hub has not confirmed it yet"),
              std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find(kId), std::string::npos);
  }
  const auto over_http = http().post("/v1/events", R"({"stream":"pump/7","type":"T","data":2})");
  EXPECT_EQ(over_http->status, 503u) << over_http->body;
  EXPECT_EQ(stored(), 2u);
  auto hub = uplink();
  ASSERT_TRUE(hub.call("acks", acks(2)));
  const auto answer = rpc().call("append", one_event("pump/7", "T", 1, kId));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(rpc::Value::trusted(*answer).at(0).find("duplicate").boolean(), true);
  EXPECT_EQ(rpc::Value::trusted(*answer).at(0).find("ack").text(), "hub");
  EXPECT_EQ(stored(), 2u);
}

TEST_F(AckModes, ARetryAfterARestartIsAnsweredFromTheStoredCursor) {
  configure({}, "hub_timeout = \"200ms\"\n[log.telemetry]\nack = \"hub\"\n");
  start();
  EXPECT_FALSE(rpc().call("append", one_event("pump/7", "T", 1, kId)));
  {
    auto hub = uplink();
    ASSERT_TRUE(hub.call("acks", acks(2)));
  }
  sluiced_->signal(SIGTERM);
  ASSERT_EQ(sluiced_->wait(), 0);
  start();
  const auto answer = rpc().call("append", one_event("pump/7", "T", 1, kId));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(rpc::Value::trusted(*answer).at(0).find("duplicate").boolean(), true);
}

TEST_F(AckModes, AnEventThatTheHubNeverTakesIsNotConfirmedByItsGapRecord) {
  configure({}, "[log.telemetry]\nack = \"hub\"\n");
  start();
  auto client = rpc();
  ASSERT_TRUE(client.send("append", one_event("pump/7", "T", 1, kId)));
  ASSERT_TRUE(test::eventually([&] { return stored() == 1; }));
  auto hub = uplink();
  ASSERT_TRUE(hub.call("set_aside", rpc::Packer()
                                        .array(5)
                                        .text("telemetry")
                                        .text(epoch_)
                                        .integer(2)
                                        .integer(2)
                                        .text("oversize")
                                        .take()));
  ASSERT_TRUE(hub.call("acks", acks(2)));
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  ASSERT_FALSE(answer->body);
  EXPECT_EQ(answer->body.error().code, Errc::kTooLarge);
  sluiced_->kill();
  start();  // and it is still known
  const auto again = rpc().call("append", one_event("pump/7", "T", 1, kId));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kTooLarge);
}

TEST_F(AckModes, WhoWaitsForTheHubIsToldAtTheEnd) {
  configure({}, "[log.telemetry]\nack = \"hub\"\n");
  start();
  auto client = rpc();
  ASSERT_TRUE(client.send("append", one_event("pump/7", "T", 1)));
  ASSERT_TRUE(test::eventually([&] { return stored() == 1; }));
  const auto told = std::chrono::steady_clock::now();
  sluiced_->signal(SIGTERM);
  const auto answer = client.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.error().code, Errc::kUnavailable);
  EXPECT_EQ(sluiced_->wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - told, 2s);
}

constexpr const char* kSlowMemoryLane =
    "[log.telemetry]\nack = \"memory\"\ncommit_interval = \"2s\"\n";

TEST_F(AckModes, AMemoryLaneAnswersAtOnceWithoutAPlaceAndStoresSoonAfter) {
  configure({}, kSlowMemoryLane);
  start();
  const auto asked = std::chrono::steady_clock::now();
  const auto answer = rpc().call("append", one_event("pump/7", "T", 1));
  ASSERT_TRUE(answer);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1500ms);
  const rpc::Value event = rpc::Value::trusted(*answer).at(0);
  EXPECT_EQ(event.find("ack").text(), "memory");
  EXPECT_EQ(event.find("lane").text(), "telemetry");
  EXPECT_EQ(event.find("stream").text(), "pump/7");
  EXPECT_TRUE(event.find("id").text());
  for (const char* unknown : {"epoch", "seq", "version", "duplicate", "token"})
    EXPECT_EQ(event.find(unknown).kind(), rpc::Value::Kind::kAbsent) << unknown;
  const std::string id(*event.find("id").text());
  const auto posted = http().post("/v1/events", R"({"stream":"pump/7","type":"T","data":1})");
  const auto document = *core::parse_json(posted->body);
  EXPECT_EQ(document.at("ack").as_string(), "memory");
  EXPECT_FALSE(document.as_object().contains("seq"));
  ASSERT_TRUE(test::eventually([&] { return stored() == 2; }));
  const auto page = *core::parse_json(http().get("/v1/streams/pump/7")->body);
  EXPECT_EQ(page.at("events").at(0).at("id").as_string(), id);
}

// What the answer says is true: this is the price of the lane's setting, and only of that.
TEST_F(AckModes, AKillBeforeTheCommitLosesWhatWasAnsweredFromMemory) {
  configure({}, kSlowMemoryLane);
  start();
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 1)));
  ASSERT_TRUE(rpc().call("append", one_event("fire/1", "T", 1)));  // lane alarm: disk
  sluiced_->kill();
  start();
  EXPECT_EQ(stored(), 0u);
  EXPECT_EQ(status().at("lanes").at("alarm").at("last").as_int64(), 3);
}

TEST_F(AckModes, AStopStoresWhatWasAnsweredFromMemory) {
  configure({}, kSlowMemoryLane);
  start();
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 1)));
  sluiced_->signal(SIGTERM);
  ASSERT_EQ(sluiced_->wait(), 0);
  start();
  EXPECT_EQ(stored(), 1u);
}

TEST_F(AckModes, AMemoryLaneRefusesWhatIsWrongAndCountsWhatTheLogRefusesLater) {
  configure({}, "[log.telemetry]\nack = \"memory\"\n");
  start();
  const auto reserved = rpc().call("append", one_event("sluice/x", "T", 1));
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().code, Errc::kBadRequest);
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 1, kId)));
  // The same id with other content: only a look at the log tells.
  ASSERT_TRUE(rpc().call("append", one_event("pump/7", "T", 2, kId)));
  EXPECT_TRUE(
      test::eventually([&] { return status().at("acks").at("memory_lost").as_int64() == 1; }));
  EXPECT_EQ(status().at("acks").at("memory_taken").as_int64(), 2);
  EXPECT_NE(sluiced_->output().find("answered from memory were not stored"), std::string::npos)
      << sluiced_->output();
  EXPECT_NE(http().get("/metrics")->body.find("\nsluice_memory_acks_lost_total 1\n"),
            std::string::npos);
}

TEST_F(AckModes, AWordThatIsNoneIsRefusedAndSoIsLaneSystem) {
  configure({}, "[log.bulk]\nack = \"disc\"\n[log.system]\nack = \"memory\"\n");
  const auto refused = run_to_end();
  EXPECT_EQ(refused.code, 78);
  EXPECT_NE(refused.output.find("log.bulk.ack: must be \"disk\", \"hub\" or \"memory\""),
            std::string::npos)
      << refused.output;
  EXPECT_NE(refused.output.find("log.system.ack: lane system always answers"), std::string::npos)
      << refused.output;
}

}  // namespace
}  // namespace sluice::gateway
