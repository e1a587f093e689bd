// SPDX-License-Identifier: Apache-2.0
// sluice-hub against a real nats-server: what of a hub stream takes effect, and how often.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::TestPublisher;

constexpr const char* kQuickCheck = "check_interval = \"500ms\"";

class HubStreamTest : public testing::Test {
 protected:
  // A gateway's telemetry lane with `last` seqs in it, the first of which opens the epoch.
  void fill(const TestPublisher::Lane& lane, core::Seq last) {
    publisher_->epoch_opened(lane, 1);
    publisher_->events(lane, 2, last);
  }
  static bool each_once(const HubProgram& hub, std::size_t count) {
    return hub.effects() == static_cast<std::int64_t>(count) &&
           hub.row_count("/v1/models/pumps/events?n__ne=1") == 0;
  }

  test::NatsServer server_;
  std::unique_ptr<TestPublisher> publisher_ = std::make_unique<TestPublisher>(server_.url());
};

TEST_F(HubStreamTest, EventsBecomeRows) {
  publisher_->make_hub_stream("main");
  HubProgram hub(server_.url());
  fill({}, 2001);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 2000; })) << hub.log();
  EXPECT_TRUE(each_once(hub, 2000));
  const auto rows = hub.json("/v1/models/pumps/readings?k=7").at("rows").as_array();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].as_object().at("gateway").as_string(), "plant-7");
  EXPECT_EQ(rows[0].as_object().at("n").as_int64(), 200);
  EXPECT_EQ(rows[0].as_object().at("last_value").as_int64(), 1997);
  const auto model = hub.json("/v1/models/pumps");
  EXPECT_EQ(model.at("state").as_string(), "running");
  EXPECT_EQ(model.at("shards").as_array()[0].as_object().at("position").as_int64(), 2001);
  EXPECT_EQ(hub.metric(R"(sluice_hub_lag_events{model="pumps",shard="main"})"), 0);
  EXPECT_EQ(hub.terminate(), 0) << hub.log();
}

TEST_F(HubStreamTest, WaitsForAHubStreamThatIsNotThereYet) {
  HubProgram hub(server_.url());
  ASSERT_TRUE(eventually([&] { return hub.log().find("stream not found") != std::string::npos; }));
  EXPECT_EQ(hub.get("/healthz").status, 200u);
  EXPECT_EQ(hub.get("/readyz").status, 503u);
  publisher_->make_hub_stream("main");
  fill({}, 11);
  EXPECT_TRUE(eventually([&] { return hub.effects() == 10; }, 40s)) << hub.log();
  EXPECT_EQ(hub.get("/readyz").status, 200u);
}

TEST_F(HubStreamTest, AKilledHubTakesEachEventOnce) {
  publisher_->make_hub_stream("main");
  publisher_->epoch_opened({}, 1);
  HubProgram hub(server_.url());
  constexpr core::Seq kChunk = 15'000;
  int in_mid_stream = 0;
  for (core::Seq round = 0; round < 6; ++round) {
    const core::Seq first = 2 + round * kChunk;
    std::thread feeder([&] { publisher_->events({}, first, first + kChunk - 1); });
    const auto before = static_cast<std::int64_t>(round * kChunk);
    std::int64_t seen = 0;
    EXPECT_TRUE(eventually([&] { return (seen = hub.effects()) > before; }, 60s)) << hub.log();
    hub.kill();
    in_mid_stream += seen < before + static_cast<std::int64_t>(kChunk) ? 1 : 0;
    feeder.join();
    hub.start();
  }
  RecordProperty("killed_in_mid_stream", in_mid_stream);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 6 * kChunk; }, 60s)) << hub.log();
  EXPECT_TRUE(each_once(hub, 6 * kChunk));
}

TEST_F(HubStreamTest, AKilledServerDelaysOnly) {
  publisher_->make_hub_stream("main");
  HubProgram hub(server_.url());
  fill({}, 1001);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 1000; })) << hub.log();
  publisher_.reset();
  server_.kill();
  EXPECT_TRUE(eventually([&] { return hub.get("/readyz").status == 503; })) << hub.log();
  server_.start();
  publisher_ = std::make_unique<TestPublisher>(server_.url());
  publisher_->events({}, 1002, 1500);
  EXPECT_TRUE(eventually([&] { return hub.effects() == 1499; }, 40s)) << hub.log();
  EXPECT_TRUE(each_once(hub, 1499));
}

TEST_F(HubStreamTest, AHubStreamMadeAnewIsReadFromItsFirstMessage) {
  publisher_->make_hub_stream("main");
  HubProgram::Options options;
  options.more = kQuickCheck;
  HubProgram hub(server_.url(), options);
  fill({}, 501);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 500; })) << hub.log();
  publisher_->delete_hub_stream("main");
  publisher_->make_hub_stream("main");
  const TestPublisher::Lane other{"main", "plant-8", core::Epoch{0x2222}, core::Lane::kTelemetry};
  fill(other, 601);                  // more messages than the first one had
  publisher_->events({}, 502, 700);  // and the gateway goes on
  EXPECT_TRUE(eventually([&] { return hub.effects() == 500 + 600 + 199; }, 40s)) << hub.log();
  EXPECT_TRUE(each_once(hub, 1299));
}

// Idle gateways have no other way to know at once.
TEST_F(HubStreamTest, AHubStreamMadeAnewIsToldToTheGatewaysOnceForAllModels) {
  publisher_->make_hub_stream("main");
  publisher_->make_report_bucket();
  codec::Report report;
  report.gateway = "plant-7";
  report.machine = "board-1";
  report.epoch = core::Epoch{0x1111};
  ASSERT_TRUE(publisher_->connection().request(core::report_subject("plant-7"),
                                               codec::encode_report(report), 5s));
  std::atomic<int> told = 0;
  const auto subscription =
      publisher_->connection().subscribe("need.plant-7", [&](nats::Message message) {
        if (message.payload() == codec::kHubChanged) ++told;
      });
  ASSERT_TRUE(subscription);
  HubProgram::Options options;
  options.more = kQuickCheck;
  options.beside = test::kPumpsModel;
  options.beside.replace(options.beside.find("\"pumps\""), 7, "\"beside\"");
  HubProgram hub(server_.url(), options);
  fill({}, 501);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 500; })) << hub.log();
  EXPECT_EQ(told, 0);
  publisher_->delete_hub_stream("main");
  publisher_->make_hub_stream("main");
  EXPECT_TRUE(eventually([&] { return told > 0; }, 40s)) << hub.log();
  publisher_->epoch_opened({}, 1);
  const auto anew = [&](const std::string& model) {
    return hub.metric("sluice_hub_begun_anew_total{model=\"" + model + "\",shard=\"main\"}");
  };
  EXPECT_TRUE(eventually([&] { return anew("pumps") >= 1 && anew("beside") >= 1; }, 40s))
      << hub.log();
  EXPECT_EQ(told, 1);
}

TEST_F(HubStreamTest, AHubThatWasCutBackToAnOlderCopyIsNoticed) {
  publisher_->make_hub_stream("main");
  HubProgram::Options options;
  options.more = kQuickCheck;
  HubProgram hub(server_.url(), options);
  fill({}, 101);
  publisher_.reset();
  server_.stop();
  test::TempDir copy;
  server_.copy_store(copy / "store");
  server_.start();
  publisher_ = std::make_unique<TestPublisher>(server_.url());
  publisher_->events({}, 102, 301);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 300; }, 40s)) << hub.log();
  publisher_.reset();
  server_.stop();
  server_.restore_store(copy / "store");
  server_.start();
  publisher_ = std::make_unique<TestPublisher>(server_.url());
  // Another gateway's events take the sequences that were lost, and more.
  const TestPublisher::Lane other{"main", "plant-8", core::Epoch{0x2222}, core::Lane::kTelemetry};
  fill(other, 401);
  publisher_->events({}, 102, 400);  // sent again, and on
  EXPECT_TRUE(eventually([&] { return hub.effects() == 400 + 399; }, 40s)) << hub.log();
  EXPECT_TRUE(each_once(hub, 799));
  EXPECT_GE(hub.metric(R"(sluice_hub_begun_anew_total{model="pumps",shard="main"})"), 1);
}

TEST_F(HubStreamTest, AHoleIsAskedForOnceForAllModelsAndCloses) {
  publisher_->make_hub_stream("main");
  std::mutex mutex;
  std::vector<codec::Need> needs;
  const auto subscription =
      publisher_->connection().subscribe("need.plant-7", [&](nats::Message message) {
        const auto need = codec::decode_need(message.payload());
        const std::lock_guard lock(mutex);
        if (need) needs.push_back(*need);
      });
  ASSERT_TRUE(subscription);
  const auto asked = [&] {
    const std::lock_guard lock(mutex);
    return needs;
  };
  HubProgram hub(server_.url());
  publisher_->epoch_opened({}, 1);
  publisher_->events({}, 2, 4);
  publisher_->events({}, 8, 10);
  ASSERT_TRUE(eventually([&] { return hub.row_count("/v1/models/pumps/events") == 3; }));
  const auto hold = hub.json("/v1/holds").at("holds").as_array();
  ASSERT_EQ(hold.size(), 1u);
  EXPECT_EQ(hold[0].as_object().at("from").as_int64(), 5);
  EXPECT_EQ(hold[0].as_object().at("to").as_int64(), 7);
  EXPECT_EQ(hold[0].as_object().at("held").as_int64(), 3);
  ASSERT_TRUE(eventually([&] { return !asked().empty(); }, 30s)) << hub.log();
  EXPECT_EQ(asked()[0].epoch, core::Epoch{0x1111});
  EXPECT_EQ(asked()[0].lane, core::Lane::kTelemetry);
  EXPECT_EQ(asked()[0].from, 5u);
  EXPECT_EQ(asked()[0].to, 7u);
  publisher_->events({}, 5, 6);
  publisher_->gap({}, 7, 7);
  EXPECT_TRUE(eventually([&] { return hub.row_count("/v1/models/pumps/events") == 8; }))
      << hub.log();
  EXPECT_TRUE(hub.json("/v1/holds").at("holds").as_array().empty());
  EXPECT_EQ(asked().size(), 1u);
  EXPECT_EQ(hub.json("/v1/models/pumps").at("absent").as_int64(), 1);
}

// A lane may hold 16,384 events; what comes after that is read again when the hole closes.
constexpr core::Seq kOverflowing = 18'000;

TEST_F(HubStreamTest, WhatHadNoRoomBehindAHoleIsReadAgainWhenItCloses) {
  publisher_->make_hub_stream("main");
  HubProgram hub(server_.url());
  fill({}, 4);
  publisher_->events({}, 8, kOverflowing);
  const TestPublisher::Lane other{"main", "plant-8", core::Epoch{0x2222}, core::Lane::kTelemetry};
  fill(other, 101);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 3 + 100; }, 60s)) << hub.log();
  EXPECT_EQ(hub.json("/v1/models/pumps").at("state").as_string(), "blocked");
  EXPECT_TRUE(hub.json("/v1/holds").at("holds").as_array()[0].as_object().at("blocked").as_bool());
  publisher_->events({}, 5, 7);
  const auto all = static_cast<std::int64_t>(kOverflowing - 1 + 100);
  EXPECT_TRUE(eventually([&] { return hub.effects() == all; }, 60s)) << hub.log();
  EXPECT_TRUE(each_once(hub, static_cast<std::size_t>(all)));
  EXPECT_EQ(hub.json("/v1/models/pumps").at("state").as_string(), "running");
}

TEST_F(HubStreamTest, WhatHadNoRoomBehindAHoleIsReadAgainWhenItIsSteppedOver) {
  publisher_->make_hub_stream("main");
  HubProgram hub(server_.url());
  fill({}, 4);
  publisher_->events({}, 8, kOverflowing);
  ASSERT_TRUE(eventually(
      [&] {
        return hub.json("/v1/models/pumps").at("shards").as_array()[0].as_object().at("position") ==
               kOverflowing - 3;
      },
      60s))
      << hub.log();
  const auto answer = hub.post(
      "/v1/holds/skip",
      R"({"gateway":"plant-7","epoch":"0000000000001111","lane":"telemetry","to":7,"reason":"r"})");
  EXPECT_EQ(answer.status, 200u) << answer.body;
  const auto all = static_cast<std::int64_t>(kOverflowing - 4);
  EXPECT_TRUE(eventually([&] { return hub.effects() == all; }, 60s)) << hub.log();
  EXPECT_TRUE(each_once(hub, static_cast<std::size_t>(all)));
}

TEST_F(HubStreamTest, AMessageThatNamesAnotherGatewayIsRefusedWithAnAlarm) {
  publisher_->make_hub_stream("main");
  HubProgram hub(server_.url());
  fill({}, 11);
  // plant-9 may publish only as itself, but writes plant-7's next identity.
  const std::string subject = "ev.main.plant-9.telemetry.pump.Measured";
  publisher_->publish(subject, "anything", "plant-7.0000000000001111.telemetry.12");
  publisher_->events({}, 13, 20);
  ASSERT_TRUE(eventually([&] {
    return hub.metric(R"(sluice_hub_refused_total{model="pumps"})") == 1;
  })) << hub.log();
  EXPECT_NE(hub.log().find("alarm"), std::string::npos) << hub.log();
  EXPECT_EQ(hub.effects(), 10) << "12 is still missing";
  publisher_->publish("ev.main.plant-7.telemetry.pump.Measured", "\xc1", "plant-7.x");
  EXPECT_TRUE(
      eventually([&] { return hub.metric(R"(sluice_hub_refused_total{model="pumps"})") == 2; }));
  EXPECT_EQ(hub.effects(), 10);
}

TEST_F(HubStreamTest, AModelOfTheWholeHistoryRefusesAHubStreamWithoutItsBeginning) {
  publisher_->make_hub_stream("main", R"(,"max_msgs":100)");
  fill({}, 301);
  HubProgram whole(server_.url());
  EXPECT_TRUE(eventually([&] {
    const auto shard = whole.json("/v1/models/pumps").at("shards").as_array()[0].as_object();
    return shard.at("last_error").as_string().find("history") != std::string::npos;
  })) << whole.log();
  EXPECT_EQ(whole.effects(), 0);
  HubProgram::Options options;
  options.model = std::string("history = \"available\"\n") + test::kPumpsModel;
  HubProgram available(server_.url(), options);
  EXPECT_TRUE(eventually([&] { return available.effects() == 100; })) << available.log();
  const auto lanes = available.json("/v1/models/pumps").at("lanes").as_array();
  ASSERT_EQ(lanes.size(), 1u);
  EXPECT_EQ(lanes[0].as_object().at("available_from").as_int64(), 202);
}

TEST_F(HubStreamTest, ShardsAreReadIntoOneModel) {
  publisher_->make_hub_stream("main");
  publisher_->make_hub_stream("south");
  HubProgram::Options options;
  options.more = "shards = [\"main\", \"south\"]";
  HubProgram hub(server_.url(), options);
  fill({}, 101);
  fill({"south", "plant-8", core::Epoch{0x2222}, core::Lane::kTelemetry}, 201);
  EXPECT_TRUE(eventually([&] { return hub.effects() == 300; })) << hub.log();
  EXPECT_EQ(hub.json("/v1/models/pumps").at("shards").as_array().size(), 2u);
}

TEST(HubPermissions, ThoseOfTheDocsAreEnough) {
  // docs/hub-api.md, "What sluice-hub may do at NATS".
  const std::string publish =
      R"(["$JS.API.STREAM.INFO.EVENTS-main", "$JS.API.STREAM.MSG.GET.EVENTS-main",
          "$JS.API.CONSUMER.CREATE.EVENTS-main", "$JS.API.CONSUMER.DELETE.EVENTS-main.*",
          "$JS.API.CONSUMER.MSG.NEXT.EVENTS-main.*",
          "$JS.API.CONSUMER.CREATE.KV_SLUICE-REPORTS",
          "$JS.API.CONSUMER.DELETE.KV_SLUICE-REPORTS.*",
          "$JS.API.CONSUMER.MSG.NEXT.KV_SLUICE-REPORTS.*", "need.*"])";
  test::NatsServer server({.config = R"(authorization { users = [ { user: admin, password: a },
        { user: hub, password: b, permissions: { publish: )" +
                                     publish + R"(, subscribe: ["_INBOX_HUB_hub.>"] } } ] })"});
  TestPublisher publisher("nats://admin:a@127.0.0.1:" + std::to_string(server.port()));
  publisher.make_hub_stream("main");
  publisher.make_report_bucket();
  codec::Report report;
  report.gateway = "plant-7";
  report.epoch = core::Epoch{1};
  ASSERT_TRUE(publisher.connection().request(core::report_subject("plant-7"),
                                             codec::encode_report(report), 5s));
  std::atomic<int> needs{0};
  const auto subscription =
      publisher.connection().subscribe("need.plant-7", [&](nats::Message) { ++needs; });
  ASSERT_TRUE(subscription);
  test::TempDir folder;
  HubProgram::Options options;
  options.more = std::string(kQuickCheck) + "\nuser_file = \"" +
                 folder.write("user", "hub\n").string() + "\"\npassword_file = \"" +
                 folder.write("password", "b\n").string() + "\"";
  HubProgram hub(server.url(), options);
  publisher.epoch_opened({}, 1);
  publisher.events({}, 2, 4);
  publisher.events({}, 6, 8);
  EXPECT_TRUE(eventually([&] { return needs > 0; }, 40s)) << hub.log();
  EXPECT_EQ(hub.effects(), 3);
  EXPECT_EQ(hub.json("/v1/gateways").at("gateways").as_array().size(), 1u) << hub.log();
  EXPECT_EQ(hub.log().find("ermission"), std::string::npos) << hub.log();
}

}  // namespace
}  // namespace sluice
