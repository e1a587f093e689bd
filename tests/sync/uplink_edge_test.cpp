// SPDX-License-Identifier: Apache-2.0
// What a gateway may and may not do at the hub, and what it does when something is wrong with it.
#include <fstream>

#include "core/codec/event_codec.hpp"
#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "tests/sync/certificates.hpp"
#include "tests/sync/installation.hpp"
#include "tests/sync/silent_peer.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

TEST(Uplink, EventThatTheServerNeverTakesBecomesAGapRecordInItsPlace) {
  test::NatsServer server({.config = "max_payload: 20000"});
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url());
  gateway.start();
  gateway.append(10);
  gateway.append(1, 30'000);
  gateway.append(10);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto stored = hub.all();
  expect_each_once(stored, Lane::kTelemetry, 1, gateway.last());
  std::size_t gaps = 0;
  for (const auto& message : stored) {
    const auto identity = core::Identity::parse(message.identity);
    if (!identity || identity->to == 0) continue;
    ++gaps;
    const auto event = codec::decode_event(message.body);
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(event->seq, 12u);  // behind EpochOpened and ten others
    const auto gap = codec::decode_gap(event->data);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->reason, core::GapReason::kOversize);
    EXPECT_EQ(gap->to, 12u);
  }
  EXPECT_EQ(gaps, 1u);
}

TEST(Uplink, NeedIsAnsweredWithTheEvents) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams({.duplicate_window_ms = 100});
  Installation gateway(server.url());
  gateway.start();
  gateway.append(300);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  auto stored = hub.all();
  core::Epoch epoch;
  for (const auto& message : stored) {
    const auto identity = core::Identity::parse(message.identity);
    ASSERT_TRUE(identity);
    epoch = identity->epoch;
    if (identity->lane == Lane::kTelemetry && identity->seq >= 100 && identity->seq < 110)
      hub.ask("STREAM.MSG.DELETE.EVENTS-main", "{\"seq\":" + std::to_string(message.hub_seq) + "}");
  }
  ASSERT_EQ(seqs_of(hub.all(), Lane::kTelemetry).size(), gateway.last() - 10);
  const codec::Need need{epoch, Lane::kTelemetry, 100, 109};
  ASSERT_TRUE(hub.connection().publish(core::need_subject("plant-7"), codec::encode_need(need)));
  EXPECT_TRUE(eventually(
      [&] { return seqs_of(hub.all(), Lane::kTelemetry).size() == gateway.last(); }, 30s))
      << gateway.logs();
}

TEST(Uplink, PeerThatIsSilentInTheTlsHandshakeDelaysNoAppendAndIsLeftWhenAServerIsBack) {
  const test::Certificates certificates;
  auto peer = std::make_unique<test::SilentTlsPeer>();
  const auto port = peer->port();
  Installation gateway(peer->url(), {.uplink = "connect_timeout = \"2s\"\nca_file = \"" +
                                               certificates.at("ca.pem") + "\""});
  gateway.start();
  ASSERT_TRUE(eventually([&] { return peer->visitors() > 0; }));
  for (int i = 0; i < 20; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    gateway.append(5);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  }
  EXPECT_TRUE(eventually([&] { return !gateway.link("last_error").empty(); })) << gateway.logs();
  peer.reset();
  test::NatsServer server({.config = certificates.server_config("server", false), .port = port});
  // The operator's own connection, to make the hub stream, by the same certificate.
  nats::ConnectionOptions options;
  options.login.urls = {"tls://127.0.0.1:" + std::to_string(port)};
  options.login.ca_file = certificates.at("ca.pem");
  HubOperator hub(options);
  hub.make_streams();
  EXPECT_TRUE(eventually(
      [&] {
        if (!gateway.uplink->running()) gateway.start_uplink();  // its supervisor
        return gateway.drained();
      },
      40s))
      << gateway.logs();
}

std::string permissions_of(const std::string& gateway) {
  // docs/security.md, word by word.
  return "permissions: { publish: { allow: [ \"ev.main." + gateway + ".>\", \"live." + gateway +
         ".>\", \"$KV.SLUICE-REPORTS." + gateway +
         "\", \"$JS.API.STREAM.INFO.EVENTS-main\", \"$JS.API.DIRECT.GET.EVENTS-main.ev.main." +
         gateway + ".>\", \"$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS." + gateway +
         "\" ] }, subscribe: { allow: [ \"_INBOX_" + gateway + ".>\", \"need." + gateway +
         "\" ] } }";
}

class Permissions : public ::testing::Test {
 protected:
  static std::string user(const std::string& name, const std::string& more) {
    return "{ user: " + name + ", password: secret, " + more + " }";
  }
  static std::string accounts() {
    return "accounts { PLANT { jetstream: enabled, users: [ " + user("operator", "") + ", " +
           user("plant-7", permissions_of("plant-7")) + ", " +
           user("plant-8", permissions_of("plant-8")) + " ] } }";
  }
  std::string url(const std::string& name) const {
    return "nats://" + name + ":secret@127.0.0.1:" + std::to_string(server_.port());
  }
  test::NatsServer server_{{.config = accounts()}};
};

TEST_F(Permissions, ThoseOfTheSecurityPageAreEnough) {
  HubOperator hub(url("operator"));
  hub.make_streams();
  test::TempDir secrets;
  Installation gateway(
      server_.url(),
      {.uplink = "live = [\"pump\"]\nlive_interval = \"100ms\"\nuser_file = \"" +
                 secrets.write("user", "plant-7").string() + "\"\npassword_file = \"" +
                 secrets.write("password", "secret").string() + "\""});
  gateway.start();
  gateway.append(600);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  // Again from the anchors, which asks for them.
  EXPECT_EQ(gateway.uplink->terminate(), 0);
  gateway.append(10);
  gateway.start_uplink();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  expect_each_once(hub.all(), Lane::kTelemetry, 1, gateway.last());
  EXPECT_EQ(gateway.link("report"), "");
  EXPECT_EQ(gateway.logs().find("Permissions"), std::string::npos) << gateway.logs();
}

TEST_F(Permissions, AGatewayCanNeitherPublishAsNorReadAnother) {
  HubOperator hub(url("operator"));
  hub.make_streams();
  const std::string theirs = "ev.main.plant-8.telemetry.pump.Started";
  ASSERT_TRUE(hub.connection().publish(theirs, "their secret"));
  ASSERT_TRUE(hub.connection().publish("$KV.SLUICE-REPORTS.plant-8", "their report"));
  ASSERT_TRUE(hub.connection().flush(2s));
  ASSERT_TRUE(eventually([&] { return hub.last_seq() == 1; }));

  nats::ConnectionOptions options;
  options.login.urls = {url("plant-7")};
  options.inbox_prefix = core::gateway_inbox_prefix("plant-7");
  std::atomic<int> refused{0};
  options.on_error = [&](core::Error error) {
    if (error.code == core::Errc::kUnauthorized) ++refused;
  };
  auto connection = nats::Connection::connect(options);
  ASSERT_TRUE(connection) << connection.error().message;
  int expected = 0;
  for (const std::string& subject :
       {std::string("ev.main.plant-8.telemetry.pump.Started"), std::string("need.plant-7"),
        std::string("need.plant-8"), std::string("live.plant-8.pump"),
        std::string("$KV.SLUICE-REPORTS.plant-8"),
        std::string("$JS.API.STREAM.MSG.GET.EVENTS-main"),
        std::string("$JS.API.DIRECT.GET.EVENTS-main"), "$JS.API.DIRECT.GET.EVENTS-main." + theirs,
        std::string("$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS.plant-8"),
        std::string("$JS.API.CONSUMER.CREATE.EVENTS-main"),
        std::string("$JS.API.STREAM.PURGE.EVENTS-main"),
        std::string("$JS.API.STREAM.DELETE.EVENTS-main")}) {
    auto answer = (*connection)->request(subject, "{\"seq\":1}", 200ms);
    EXPECT_FALSE(answer) << subject << " was answered";
    ++expected;
  }
  for (const char* subject :
       {"ev.>", "need.plant-8", "live.>", "_INBOX_plant-8.>", "_INBOX.>", ">"}) {
    auto heard = (*connection)->subscribe(subject, [](nats::Message) {});
    (void)(*connection)->flush(2s);
    ++expected;
  }
  EXPECT_TRUE(eventually([&] { return refused == expected; })) << refused << " of " << expected;
  EXPECT_EQ(hub.last_seq(), 1u);
}

TEST(Clone, TheLaterMachineStopsUntilToldAndThenTheFirstOneStops) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  const std::string often = "report_interval = \"2s\"\nreport_change_interval = \"1s\"\n";
  Installation first(server.url(), {.uplink = often + "machine = \"board-1\""});
  first.start();
  first.append(200);
  ASSERT_TRUE(eventually([&] { return first.drained(); }, 60s)) << first.logs();

  Installation second(server.url(), {.uplink = often + "machine = \"board-2\""});
  first.sluiced->terminate();
  std::filesystem::copy(
      first.state(), second.state(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  first.start_sluiced();
  ASSERT_TRUE(eventually([&] { return first.link("state") == "up"; }, 60s)) << first.logs();
  second.start();
  const auto stopped_for = [](Installation& one, const char* other) {
    return one.link("state") == "stopped" && one.link("clone").find(other) != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return stopped_for(second, "board-1"); }, 60s)) << second.logs();
  second.append(100);
  first.append(100);
  ASSERT_TRUE(eventually([&] { return first.drained(); }, 60s)) << first.logs();
  EXPECT_FALSE(second.drained());

  const auto told = test::run(
      {test::program("sluice-uplink"), "--config", second.config().string(), "--takeover"});
  ASSERT_EQ(told.code, 0) << told.output;
  ASSERT_TRUE(eventually([&] { return second.drained(); }, 60s)) << second.logs();
  ASSERT_TRUE(eventually([&] { return stopped_for(first, "board-2"); }, 60s)) << first.logs();
  // Nothing of either is lost: 200 before the copy, 100 and 100 after it, in epochs of their own.
  std::size_t events = 0;
  for (const auto& message : hub.all()) {
    const auto event = codec::decode_event(message.body);
    if (event && event->category == "pump") ++events;
  }
  EXPECT_EQ(events, 400u);
}

TEST(Program, BadConfigurationEndsWith78AndNamesFileLineAndKey) {
  test::TempDir folder;
  const auto config = folder.write(
      "gateway.toml", "[gateway]\nid = \"plant-7\"\n[uplink]\nreport_interval = \"soon\"\n");
  const auto done =
      test::run({test::program("sluice-uplink"), "--config", config.string(), "--check-config"});
  EXPECT_EQ(done.code, 78);
  EXPECT_NE(done.output.find("gateway.toml"), std::string::npos) << done.output;
  EXPECT_NE(done.output.find("report_interval"), std::string::npos) << done.output;
  const auto good = folder.write("good.toml", "[gateway]\nid = \"plant-7\"\n[log]\n[ingest]\n");
  EXPECT_EQ(
      test::run({test::program("sluice-uplink"), "--config", good.string(), "--check-config"}).code,
      0);
  const auto printed =
      test::run({test::program("sluice-uplink"), "--config", good.string(), "--print-config"});
  EXPECT_EQ(printed.code, 0);
  const auto again = folder.write("again.toml", printed.out);
  EXPECT_EQ(
      test::run({test::program("sluice-uplink"), "--config", again.string(), "--print-config"}).out,
      printed.out);
}

TEST(Program, SecondUplinkOfAGatewayIsRefused) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url());
  gateway.start();
  ASSERT_TRUE(eventually([&] { return gateway.link("state") == "up"; }, 60s)) << gateway.logs();
  const auto second =
      test::run({test::program("sluice-uplink"), "--config", gateway.config().string()});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.output.find("another sluice-uplink"), std::string::npos) << second.output;
}

}  // namespace
}  // namespace sluice::sync
