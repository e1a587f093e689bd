// SPDX-License-Identifier: Apache-2.0
// provision, status, audit and doctor against a real nats-server, sluiced and sluice-uplink.
#include <gmock/gmock.h>

#include <map>

#include "sync/nats/connection.hpp"
#include "tests/cli/installation.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
namespace json = core::json;

const std::vector<std::string> kProvision = {"provision", "--max-bytes", "64MiB", "--keep-forever"};

class WithHub : public testing::Test {
 protected:
  test::NatsServer nats;
  Gateway gateway{"", nats.url()};

  void bring_up() {
    ASSERT_EQ(gateway.sluice(kProvision).code, 0);
    gateway.start();
    gateway.start_uplink();
    ASSERT_TRUE(test::eventually([&] { return link() == "up"; }));
  }
  json::object status() {
    const auto run = gateway.sluice({"status"});
    return run.code == 0 ? documents(run.out).at(0) : json::object();
  }
  std::string link() {
    const json::object all = status();
    return all.empty() ? "" : std::string(all.at("link").at("state").get_string());
  }
  std::int64_t waiting() {
    std::int64_t sum = 0;
    const json::object all = status();
    for (const auto& [name, lane] : all.at("lanes").get_object())
      sum += lane.at("last").to_number<std::int64_t>() - lane.at("acked").to_number<std::int64_t>();
    return sum;
  }
  // The findings of doctor by the check's name.
  std::map<std::string, json::object> doctor(int expected_code) {
    const auto run =
        gateway.sluice({"doctor", "--config", gateway.config(), "--disk-seconds", "0.1"});
    EXPECT_EQ(run.code, expected_code) << run.output;
    std::map<std::string, json::object> found;
    for (const json::object& one : documents(run.out))
      found[std::string(one.at("check").get_string())] = one;
    EXPECT_EQ(found.size(), 13u) << run.output;
    return found;
  }
};

TEST_F(WithHub, ProvisionMakesChecksAndRefusesWithItsExitCodes) {
  EXPECT_EQ(gateway.sluice({"provision"}).code, 2);
  EXPECT_EQ(gateway.sluice({"provision", "--max-bytes", "1GiB"}).code, 2);
  EXPECT_EQ(gateway.sluice({"provision", "--max-bytes", "lots", "--keep-forever"}).code, 2);
  EXPECT_EQ(
      gateway.sluice({"provision", "--max-bytes", "1GiB", "--keep-forever", "--max-age", "1d"})
          .code,
      2);
  for (const char* name : {"a.>", "*", "bad name", "bad name*", "Plant", ""}) {
    auto words = kProvision;
    words.insert(words.end(), {"--workers", "--hub-name", name});
    const auto refused = gateway.sluice(words);
    EXPECT_EQ(refused.code, 2) << name;
    EXPECT_THAT(refused.output, HasSubstr("is no name of a hub: [a-z0-9-]{1,32}"));
    EXPECT_THAT(refused.output, HasSubstr("--hub-name"));
    EXPECT_THAT(refused.output, testing::Not(HasSubstr("permissions")));
  }
  EXPECT_EQ(gateway.sluice({"provision", "--check"}).code, 1);  // missing

  const auto made = gateway.sluice(kProvision);
  ASSERT_EQ(made.code, 0) << made.output;
  const json::object first = documents(made.out).at(0);
  EXPECT_EQ(first.at("agrees"), true);
  EXPECT_EQ(first.at("streams").at(0).at("stream"), "EVENTS-main");
  EXPECT_EQ(first.at("streams").at(0).at("state"), "created");
  EXPECT_EQ(first.at("streams").at(0).at("settings").at("discard"), "new");

  EXPECT_EQ(gateway.sluice(kProvision).code, 0);
  EXPECT_EQ(gateway.sluice({"provision", "--check"}).code, 0);
  const auto other = gateway.sluice({"provision", "--max-bytes", "32MiB", "--keep-forever"});
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(documents(other.out).at(0).at("streams").at(0).at("differences").at(0).at("setting"),
            "max_bytes");
  nats.stop();
  EXPECT_EQ(gateway.sluice(kProvision).code, 6);
}

// The story: the hub goes away, events go on; status says why and how much waits; the hub comes
// back, everything is sent, and an audit finds each event once.
TEST_F(WithHub, StatusTellsOfAnOutageAndTheAuditProvesTheDelivery) {
  bring_up();
  ASSERT_EQ(gateway.sluice({"append", "pump/7", "Started", "{}"}).code, 0);
  ASSERT_TRUE(test::eventually([&] { return waiting() == 0; }));
  EXPECT_THAT(gateway.sluice({"status", "--check"}).out, HasSubstr("backlog=0"));

  nats.kill();
  ASSERT_TRUE(test::eventually([&] { return link() == "down"; }));
  std::string lines;
  for (int i = 0; i < 500; ++i)
    lines += R"({"stream":"pump/7","type":"Sampled","data":{"n":)" + std::to_string(i) + "}}\n";
  ASSERT_EQ(gateway.sluice({"append", "--jsonl", "-", "--quiet"}, lines).code, 0);
  ASSERT_TRUE(test::eventually([&] { return waiting() == 500; }));
  ASSERT_TRUE(
      test::eventually([&] { return !status().at("link").at("last_error").get_string().empty(); }));
  const auto check = gateway.sluice({"status", "--check"});
  EXPECT_EQ(check.code, 1);
  EXPECT_THAT(check.out, HasSubstr("SLUICE WARNING - cli-test: link down"));
  EXPECT_THAT(check.out, HasSubstr("backlog=500"));

  nats.start();
  ASSERT_TRUE(test::eventually([&] { return waiting() == 0; }, std::chrono::seconds(60)));
  for (const bool from_folder : {false, true}) {
    std::vector<std::string> audit = {"audit"};
    if (from_folder) audit.insert(audit.end(), {"--state", gateway.state()});
    const auto run = gateway.sluice(audit);
    EXPECT_EQ(run.code, 0) << run.output;
    const json::object figures = documents(run.out).at(0);
    EXPECT_EQ(figures.at("appended"), 501);
    EXPECT_EQ(figures.at("stored"), 501);
    EXPECT_EQ(figures.at("missing"), 0);
    EXPECT_EQ(figures.at("duplicated"), 0);
    EXPECT_EQ(figures.at("foreign"), 0);
  }
}

// By the hash chain, without the gateway: it may be gone. A bit flipped on the way is not found at
// random: another message under the event's identity is what an intruder could do.
TEST_F(WithHub, TheHubStreamIsCheckedByTheGatewaysOwnChain) {
  bring_up();
  std::string lines;
  for (int i = 0; i < 300; ++i)
    lines += R"({"stream":"pump/7","type":"Sampled","data":{"n":)" + std::to_string(i) + "}}\n";
  ASSERT_EQ(gateway.sluice({"append", "--jsonl", "-", "--quiet"}, lines).code, 0);
  ASSERT_TRUE(test::eventually([&] { return waiting() == 0; }, std::chrono::seconds(60)));
  // The next start tells the hash at the end of this epoch.
  gateway.stop();
  gateway.start();
  gateway.start_uplink();
  ASSERT_TRUE(
      test::eventually([&] { return link() == "up" && waiting() == 0; }, std::chrono::seconds(60)));
  gateway.stop();
  const auto run = gateway.sluice({"audit", "--gateway", "cli-test"});
  EXPECT_EQ(run.code, 0) << run.output;
  const json::object found = documents(run.out).at(0);
  EXPECT_EQ(found.at("agrees"), true);
  const json::object& lane = found.at("lanes").at("telemetry").get_object();
  EXPECT_EQ(lane.at("events"), 302);
  EXPECT_EQ(lane.at("first"), 1);
  EXPECT_EQ(lane.at("epochs"), 2);
  EXPECT_GE(lane.at("marks").to_number<int>(), 1);
  EXPECT_GE(lane.at("checked").to_number<int>(), 301);
  EXPECT_TRUE(lane.at("findings").get_array().empty());
  // What goes missing at the hub is a hole, although nobody is there to compare with.
  sluice::nats::ConnectionOptions options;
  options.login.urls = {nats.url()};
  auto hub = sluice::nats::Connection::connect(options);
  ASSERT_TRUE(hub) << hub.error().message;
  const auto deleted = (*hub)->request("$JS.API.STREAM.MSG.DELETE.EVENTS-main", R"({"seq":100})",
                                       std::chrono::seconds(5));
  ASSERT_TRUE(deleted);
  ASSERT_THAT(std::string(deleted->payload()), HasSubstr("\"success\":true"));
  const auto holed = gateway.sluice({"audit", "--gateway", "cli-test"});
  EXPECT_EQ(holed.code, 1) << holed.output;
  const json::object after = documents(holed.out).at(0);
  EXPECT_EQ(after.at("agrees"), false);
  const auto& findings = after.at("lanes").at("telemetry").at("findings").get_array();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].at("kind"), "hole");
  const auto nothing = gateway.sluice({"audit", "--gateway", "no-such-gateway"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.output, HasSubstr("has nothing of gateway 'no-such-gateway'"));
}

// A hub that lost everything is what the audit must not call well.
TEST_F(WithHub, TheAuditFindsWhatTheHubLost) {
  bring_up();
  ASSERT_EQ(gateway.sluice({"append", "pump/7", "Started", "{}"}).code, 0);
  ASSERT_TRUE(test::eventually([&] { return waiting() == 0; }));
  gateway.stop();
  nats.stop();
  nats.delete_store();
  nats.start();
  ASSERT_EQ(gateway.sluice(kProvision).code, 0);
  const auto run = gateway.sluice({"audit", "--state", gateway.state()});
  EXPECT_EQ(run.code, 1);
  const json::object figures = documents(run.out).at(0);
  EXPECT_EQ(figures.at("appended"), 1);
  EXPECT_EQ(figures.at("stored"), 0);
  // It, the EpochOpened of four lanes, and the chain marks of the stop.
  EXPECT_GE(figures.at("missing").to_number<int>(), 5);
}

TEST_F(WithHub, DoctorFindsAHealthyGatewayHealthyWithTheDaemonsStopped) {
  bring_up();
  ASSERT_EQ(gateway.sluice({"append", "pump/7", "Started", "{}"}).code, 0);
  ASSERT_TRUE(test::eventually([&] { return waiting() == 0; }));
  gateway.stop();
  auto found = doctor(0);
  for (const char* check : {"config", "history", "DNS", "TCP", "login", "hub stream",
                            "publish right", "report", "anchors"})
    EXPECT_EQ(found[check].at("state"), "ok") << check << ": " << found[check].at("found");
  EXPECT_THAT(std::string(found["hub stream"].at("found").get_string()),
              HasSubstr("holds 5 events"));
  EXPECT_GT(found["disk"].at("figures").at("p50_ns").to_number<std::int64_t>(), 0);
  // Its trial messages are stored nowhere.
  EXPECT_THAT(std::string(doctor(0)["hub stream"].at("found").get_string()),
              HasSubstr("holds 5 events"));
}

TEST_F(WithHub, DoctorSaysWhatIsWrongAndWhatToDo) {
  auto found = doctor(1);  // nothing was provisioned
  EXPECT_EQ(found["login"].at("state"), "ok");
  EXPECT_EQ(found["hub stream"].at("state"), "failed");
  EXPECT_THAT(std::string(found["hub stream"].at("next_step").get_string()),
              HasSubstr("sluice provision"));
  EXPECT_EQ(found["publish right"].at("state"), "failed");

  nats.stop();
  found = doctor(1);
  EXPECT_EQ(found["TCP"].at("state"), "failed");
  EXPECT_EQ(found["login"].at("state"), "skipped");

  const auto wrong = gateway.file("wrong.toml", "[gateway]\nid = \"Not Good\"\n");
  const auto run = gateway.sluice({"doctor", "--config", wrong});
  EXPECT_EQ(run.code, 1);
  const json::object config = documents(run.out).at(0);
  EXPECT_EQ(config.at("state"), "failed");
  EXPECT_THAT(std::string(config.at("found").get_string()), HasSubstr("wrong.toml"));
}

// Each step is blamed for itself alone: what depends on a failed one is skipped.
TEST(Doctor, ANameThatDoesNotResolveIsBlamedOnce) {
  Gateway gateway("", "nats://no-such-host.invalid:4222");
  const auto run = gateway.sluice({"doctor", "--config", gateway.config(), "--disk-seconds", "0"});
  EXPECT_EQ(run.code, 1);
  std::map<std::string, std::string> states;
  for (const json::object& one : documents(run.out))
    states[std::string(one.at("check").get_string())] = one.at("state").get_string();
  EXPECT_EQ(states["DNS"], "failed");
  for (const char* check : {"TCP", "TLS", "login", "hub stream", "publish right", "report"})
    EXPECT_EQ(states[check], "skipped") << check;
}

TEST(Doctor, AMissingRightToPublishIsNamed) {
  test::NatsServer nats({.config = R"(authorization { users: [
    { user: admin, password: pw },
    { user: gw, password: pw, permissions: {
        publish: ["$JS.API.STREAM.INFO.EVENTS-main", "$KV.SLUICE-REPORTS.cli-test",
                  "$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS.cli-test"],
        subscribe: ["_INBOX_cli-test.>"] } } ] })"});
  const std::string host = nats.url().substr(nats.url().find("://") + 3);
  Gateway admin("", "nats://admin:pw@" + host);
  ASSERT_EQ(admin.sluice(kProvision).code, 0);
  Gateway gateway("", "nats://gw:pw@" + host);
  const auto run = gateway.sluice({"doctor", "--config", gateway.config(), "--disk-seconds", "0"});
  EXPECT_EQ(run.code, 1);
  std::string words;
  for (const json::object& one : documents(run.out)) {
    if (one.at("check") == "publish right") words = core::to_json(one);
    if (one.at("check") == "hub stream" || one.at("check") == "report") {
      EXPECT_EQ(one.at("state"), "ok") << core::to_json(one);
    }
  }
  EXPECT_THAT(words, HasSubstr("failed"));
  EXPECT_THAT(words, HasSubstr("docs/security.md"));
}

}  // namespace
}  // namespace sluice::cli
