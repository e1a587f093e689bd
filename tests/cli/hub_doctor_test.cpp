// SPDX-License-Identifier: Apache-2.0
// `sluice doctor hub` against a real nats-server and sluice-hub: each fault is named at its own
// check, with the next step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/lab/clock/false_clock.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using testing::HasSubstr;

class HubDoctor : public testing::Test {
 protected:
  struct Report {
    int code = -1;
    std::string all;
    // Of a check, the findings of that state; empty if there is none.
    std::string of(const std::string& check, const std::string& state) const {
      std::string out;
      std::istringstream lines(all);
      for (std::string line; std::getline(lines, line);) {
        const auto document = core::parse_json(line);
        if (!document || !document->is_object()) continue;
        const auto& one = document->as_object();
        if (one.at("check").as_string() == check && one.at("state").as_string() == state)
          out += std::string(one.at("found").as_string()) + " -> " +
                 std::string(one.at("next_step").as_string()) + "\n";
      }
      return out;
    }
  };

  static void provision(const std::string& url) {
    const auto made = run(
        {program("sluice"), "--nats", url, "provision", "--max-bytes", "64MiB", "--keep-forever"});
    ASSERT_EQ(made.code, 0) << made.output;
  }
  void bring_up() {
    provision(nats.url());
    hub.emplace(nats.url());
    ASSERT_TRUE(eventually([&] { return hub->get("/readyz").status == 200; }));
  }
  Report doctor(const std::string& config = {}) {
    const auto ran = run({program("sluice"), "--json", "doctor", "hub", "--config",
                          config.empty() ? (hub->folder() / "hub.toml").string() : config});
    return {ran.code, ran.output};
  }

  NatsServer nats;
  TestPublisher publisher{nats.url()};
  std::optional<HubProgram> hub;
};

TEST_F(HubDoctor, FindsAHealthyHubHealthy) {
  bring_up();
  publisher.epoch_opened({}, 1);
  publisher.event({}, 2, "Measured", R"({"k":1,"value":1})");
  ASSERT_TRUE(eventually([&] { return hub->effects() == 1; }));
  const Report report = doctor();
  EXPECT_EQ(report.code, 0) << report.all;
  for (const char* check :
       {"config", "model files", "state folder", "DNS", "TCP", "login", "hub streams", "rights",
        "sluice-hub", "clock", "models", "holds", "gateways"})
    EXPECT_NE(report.of(check, "ok"), "") << check << "\n" << report.all;
  EXPECT_THAT(report.of("models", "ok"), HasSubstr("pumps version 1 is running"));
}

TEST_F(HubDoctor, NamesAHubThatIsDownAndANatsServerThatIsDownApart) {
  bring_up();
  hub->kill();
  Report report = doctor();
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("sluice-hub", "failed"), HasSubstr("systemctl status sluice-hub"));
  EXPECT_NE(report.of("hub streams", "ok"), "");
  nats.stop();
  report = doctor();
  EXPECT_THAT(report.of("TCP", "failed"), HasSubstr("Is nats-server running there"));
  EXPECT_NE(report.of("hub streams", "skipped"), "");
  EXPECT_NE(report.of("clock", "skipped"), "");
}

TEST_F(HubDoctor, PointsUpWhereNatsIsDownAndTheHubRuns) {
  publisher.make_report_bucket();
  bring_up();
  nats.stop();
  ASSERT_TRUE(eventually([&] { return !hub->json("/v1/gateways").at("connected").as_bool(); }));
  EXPECT_THAT(doctor().of("gateways", "failed"), HasSubstr("See above"));
}

TEST_F(HubDoctor, NamesAMissingHubStream) {
  publisher.make_report_bucket();
  hub.emplace(nats.url());
  const Report report = doctor();
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("hub streams", "failed"), HasSubstr("sluice provision --shard main"));
  EXPECT_THAT(report.of("sluice-hub", "warning"), HasSubstr("not ready"));
}

TEST_F(HubDoctor, NamesABrokenModelFileWithItsLine) {
  bring_up();
  hub->folder().write("broken.model.toml", "model = \"broken\"\nversion = \"one\"\n");
  const Report report = doctor();
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("model files", "failed"), HasSubstr("broken.model.toml:2:"));
  EXPECT_THAT(report.of("model files", "ok"), HasSubstr("pumps version 1"));
}

TEST_F(HubDoctor, NamesParkedEventsRefusedMessagesAndOpenHoles) {
  bring_up();
  publisher.epoch_opened({}, 1);
  publisher.event({}, 2, "Measured", R"({"k":"no number","value":1})");
  publisher.event({}, 4, "Measured", R"({"k":1,"value":1})", "pump/2");
  publisher.publish("ev.main.plant-7.telemetry.pump.Measured", "no event", "plant-8.1.telemetry.9");
  ASSERT_TRUE(eventually([&] {
    return hub->metric("sluice_hub_parked{model=\"pumps\"}") == 1 &&
           hub->metric("sluice_hub_holds{model=\"pumps\"}") == 1 &&
           hub->metric("sluice_hub_refused_total{model=\"pumps\"}") == 1;
  }));
  const Report report = doctor();
  EXPECT_THAT(report.of("models", "warning"), HasSubstr("sluice parked list --model pumps"));
  EXPECT_THAT(report.of("models", "warning"), HasSubstr("refused 1 message"));
  EXPECT_THAT(report.of("holds", "ok"), HasSubstr("seq 3 to 3 of lane telemetry of plant-7"));
}

TEST_F(HubDoctor, NamesARightThatIsMissing) {
  NatsServer strict({.config = R"(authorization { users: [
    { user: admin, password: pw },
    { user: hub, password: pw, permissions: {
        publish: ["$JS.API.STREAM.INFO.EVENTS-main"], subscribe: ["_INBOX_HUB_hub.>"] } } ] })"});
  const std::string host = strict.url().substr(strict.url().find("://") + 3);
  provision("nats://admin:pw@" + host);
  TempDir folder;
  folder.write("pumps.model.toml", kPumpsModel);
  const auto config = folder.write(
      "hub.toml", "[hub]\nurls = [\"nats://hub:pw@" + host + "\"]\nmodels = [\"" +
                      folder.path().string() + "\"]\nstate = \"" + folder.path().string() +
                      "\"\nlisten = \"127.0.0.1:" + std::to_string(free_port()) + "\"\n");
  const Report report = doctor(config.string());
  EXPECT_EQ(report.code, 1);
  EXPECT_NE(report.of("hub streams", "ok"), "") << report.all;
  EXPECT_THAT(report.of("rights", "failed"), HasSubstr("may not read EVENTS-main"));
  EXPECT_THAT(report.of("rights", "failed"), HasSubstr("may not ask gateways"));
  EXPECT_THAT(report.of("rights", "failed"), HasSubstr("docs/hub-api.md"));
}

TEST_F(HubDoctor, NamesAHubWhoseClockIsNotThatOfNats) {
  ASSERT_FALSE(FalseClock::library().empty()) << "libfaketime is missing (scripts/deps.sh)";
  provision(nats.url());
  const FalseClock clock;
  clock.set_offset(7200);
  hub.emplace(nats.url(), HubProgram::Options{.more = {}, .environment = clock.environment()});
  ASSERT_TRUE(eventually([&] { return hub->get("/readyz").status == 200; }));
  Report report = doctor();
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.of("clock", "failed"),
              HasSubstr("sluice-hub's clock is 2 h 0 min ahead of the NATS server's"))
      << report.all;
  clock.set_offset(0);
  report = doctor();
  EXPECT_THAT(report.of("clock", "ok"), HasSubstr("agrees")) << report.all;
}

TEST_F(HubDoctor, NamesALockedReadDatabaseAndWhoToLookFor) {
  bring_up();
  publisher.epoch_opened({}, 1);
  publisher.event({}, 2, "Measured", R"({"k":1,"value":1})");
  ASSERT_TRUE(eventually([&] { return hub->effects() == 1; }));
  const auto database = hub->folder() / "state" / "pumps-v1.db";
  ASSERT_TRUE(std::filesystem::exists(database)) << database;
  Process lock({"sqlite3", database.string(), "pragma busy_timeout=20000", "begin immediate",
                ".system touch " + (hub->folder() / "locked").string(), ".system sleep 60"});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(hub->folder() / "locked"); }))
      << lock.output();
  publisher.event({}, 3, "Measured", R"({"k":1,"value":1})");
  // Behind, and then without a move: from then on each report waits for the reason.
  ASSERT_TRUE(eventually([&] {
    const auto shard = hub->json("/v1/models").at("models").at(0).at("shards").at(0);
    return shard.at("lag").to_number<int>() > 0 && shard.at("moved_s_ago").to_number<int>() > 0;
  }));
  const Report report = doctor();
  lock.kill();
  const std::string found = report.of("models", "warning") + report.of("models", "failed");
  EXPECT_THAT(found, HasSubstr("database is locked")) << report.all;
  EXPECT_THAT(found, HasSubstr("fuser -v " + database.string()));
  EXPECT_TRUE(eventually([&] { return hub->effects() == 2; }, std::chrono::seconds(30)));
}

TEST_F(HubDoctor, HasAHelpOfItsOwn) {
  const auto own = run({program("sluice"), "doctor", "hub", "--help"});
  EXPECT_EQ(own.code, 0);
  EXPECT_THAT(own.output, HasSubstr("SLUICE_HUB_TOKEN"));
  EXPECT_THAT(own.output, HasSubstr("/etc/sluice/hub.toml"));
  const auto gateway = run({program("sluice"), "doctor", "--help"});
  EXPECT_THAT(gateway.output, HasSubstr("Examines a gateway"));
}

}  // namespace
}  // namespace sluice::test
