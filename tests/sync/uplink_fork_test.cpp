// SPDX-License-Identifier: Apache-2.0
// A log that came apart, and appends that wait for the hub: sluiced, sluice-uplink and a real
// nats-server.
#include <algorithm>
#include <filesystem>

#include "core/codec/event_codec.hpp"
#include "core/codec/messages.hpp"
#include "rpc/blocking_client.hpp"
#include "rpc/pack.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

const std::string kOften = "report_change_interval = \"100ms\"\nreport_interval = \"1s\"\n";
constexpr const char* kNoWait = "[log]\nrestart_wait_max = \"0ms\"\n";

rpc::BlockingClient ingest(const Installation& gateway) {
  auto client = rpc::BlockingClient::connect(gateway.state().parent_path() / "r/ingest.sock");
  EXPECT_TRUE(client) << (client ? "" : client.error().message);
  return std::move(*client);
}

std::string status(const Installation& gateway) {
  auto client = rpc::BlockingClient::connect(gateway.state().parent_path() / "r/ingest.sock");
  if (!client) return {};
  auto answer = client->call("status", rpc::Packer().array(0).take());
  return answer ? *answer : std::string();
}

std::string epoch_of(const Installation& gateway) {
  const std::string packed = status(gateway);
  return std::string(rpc::Value::trusted(packed).find("epoch").text().value_or(""));
}

// "<kind>: <words>" of the newest fork that status tells of; empty if there is none.
std::string newest_fork(const Installation& gateway) {
  const std::string packed = status(gateway);
  if (packed.empty()) return {};
  const auto forks = rpc::Value::trusted(packed).find("forks");
  if (forks.size() == 0) return {};
  const auto fork = forks.at(0);
  return std::string(fork.find("kind").text().value_or("?")) + ": " +
         std::string(fork.find("words").text().value_or("?"));
}

bool hub_has(HubOperator& hub, const std::string& type) {
  for (const auto& message : hub.all()) {
    const auto event = codec::decode_event(message.body);
    if (event && event->type == type) return true;
  }
  return false;
}

std::string one_event(const std::string& stream, int data, const std::string& id) {
  rpc::Packer out;
  out.array(1).array(1).map(4).text("stream").text(stream).text("type").text("Started");
  return out.text("data").integer(data).text("id").text(id).take();
}

const std::string kId = "01890a5d-ac96-774b-bcce-b302099a805";  // and a digit

TEST(HubAck, NoAnswerWhileTheHubIsAwayAndOneWhenItIsBack) {
  test::NatsServer server;
  auto hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  Installation gateway(server.url(), {.sections = "[log.telemetry]\nack = \"hub\"\n"});
  gateway.start();
  const auto first = ingest(gateway).call("append", one_event("pump/7", 1, kId + "1"));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(rpc::Value::trusted(*first).at(0).find("ack").text(), "hub");

  server.kill();
  auto client = ingest(gateway);
  ASSERT_TRUE(client.send("append", one_event("pump/7", 2, kId + "2")));
  ASSERT_TRUE(eventually([&] { return gateway.last() == 3; })) << gateway.logs();
  const auto early = client.receive_for(1s);
  ASSERT_TRUE(early);
  EXPECT_FALSE(*early) << "answered although the hub is away";
  server.start();
  const auto answer = client.receive();
  ASSERT_TRUE(answer && answer->body) << gateway.logs();
  EXPECT_EQ(rpc::Value::trusted(*answer->body).at(0).find("seq").integer(), 3);
  hub = std::make_unique<HubOperator>(server.url());
  expect_each_once(hub->all(), Lane::kTelemetry, 1, 3);
}

TEST(ForkSeen, AnOldCopyOfTheLogThatIsBroughtBackIsToldInStatusAndAtTheHub) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url(), {.uplink = kOften, .sections = kNoWait});
  gateway.start();
  gateway.append(10);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto stop = [&] {
    gateway.uplink->terminate();
    EXPECT_EQ(gateway.sluiced->terminate(), 0);
  };
  stop();
  const auto backup = gateway.state().parent_path() / "backup";
  fs::copy(gateway.state(), backup, fs::copy_options::recursive);
  gateway.start();
  gateway.append(30);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto newest = gateway.last();
  // The report must tell of them, too.
  ASSERT_TRUE(eventually([&] {
    const auto stored = hub.connection().request(
        "$JS.API.DIRECT.GET.KV_SLUICE-REPORTS.$KV.SLUICE-REPORTS.plant-7", "", 5s);
    if (!stored) return false;
    const auto report = codec::decode_report(stored->payload());
    return report && report->lanes[core::index(Lane::kTelemetry)].last == newest;
  })) << gateway.logs();
  EXPECT_EQ(newest_fork(gateway), "");
  stop();
  fs::remove_all(gateway.state());
  fs::copy(backup, gateway.state(), fs::copy_options::recursive);
  gateway.start();
  ASSERT_TRUE(eventually([&] { return !newest_fork(gateway).empty(); })) << gateway.logs();
  EXPECT_TRUE(newest_fork(gateway).starts_with("old_copy: ")) << newest_fork(gateway);
  EXPECT_NE(newest_fork(gateway).find("an older copy of the log was brought back"),
            std::string::npos);
  ASSERT_TRUE(eventually([&] { return hub_has(hub, "ForkSeen"); })) << gateway.logs();
  const auto dead =
      test::run({test::program("sluice"), "status", "--json", "--state", gateway.state().string()});
  EXPECT_EQ(dead.code, 0) << dead.output;
  EXPECT_NE(dead.out.find("\"kind\":\"old_copy\""), std::string::npos) << dead.output;
  gateway.append(5);
  EXPECT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
}

TEST(ForkSeen, ACloneIsToldOnBothMachines) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation first(server.url(), {.uplink = kOften + "machine = \"board-1\"\n"});
  first.start();
  ASSERT_TRUE(eventually([&] { return first.drained(); }, 60s)) << first.logs();
  Installation second(server.url(), {.uplink = kOften + "machine = \"board-2\"\n"});
  second.start();
  ASSERT_TRUE(eventually([&] { return newest_fork(second).starts_with("clone: "); }, 60s))
      << second.logs();
  EXPECT_NE(newest_fork(second).find("board-1"), std::string::npos) << newest_fork(second);
  ASSERT_TRUE(eventually([&] { return newest_fork(first).starts_with("clone: "); }, 60s))
      << first.logs();
  EXPECT_NE(newest_fork(first).find("board-2"), std::string::npos) << newest_fork(first);
}

// What a snapshot of a virtual machine does when it is brought back: the hub goes on from where the
// log does not know that it was. Here the hub is given what the log will never have written.
TEST(ForkSeen, ALogThatWentBackSendsItsTailAgainInANewEpoch) {
  test::NatsServer server;
  auto hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  Installation gateway(server.url(), {.uplink = kOften, .sections = kNoWait});
  gateway.start();
  for (int i = 1; i <= 3; ++i)
    ASSERT_TRUE(ingest(gateway).call("append", one_event("pump/7", i, kId + std::to_string(i))));
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const std::string epoch = epoch_of(gateway);

  const auto stored = hub->all();
  const auto last = std::find_if(stored.rbegin(), stored.rend(), [](const auto& message) {
    return message.identity.find(".telemetry.") != std::string::npos;
  });
  ASSERT_NE(last, stored.rend());
  auto event = *codec::decode_event(last->body);
  event.seq = 50;
  event.version = 49;
  std::string body;
  codec::encode_event(event, body);
  const std::string identity = "plant-7." + epoch + ".telemetry.50";
  ASSERT_TRUE(hub->connection().publish("ev.main.plant-7.telemetry.pump.Started", body,
                                        {{"Nats-Msg-Id", identity}}));
  ASSERT_TRUE(eventually([&] { return hub->all().back().identity == identity; }));

  server.kill();
  ASSERT_TRUE(ingest(gateway).call("append", one_event("pump/7", 4, kId + "4")));
  server.start();
  EXPECT_EQ(gateway.sluiced->wait(60s), 1) << gateway.logs();
  gateway.start_sluiced();
  EXPECT_NE(epoch_of(gateway), epoch);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  EXPECT_TRUE(newest_fork(gateway).starts_with("snapshot: ")) << newest_fork(gateway);

  // The fourth event is at the hub under the new epoch's name, and under no other.
  hub = std::make_unique<HubOperator>(server.url());
  int found = 0;
  for (const auto& message : hub->all()) {
    const auto one = codec::decode_event(message.body);
    if (!one || one->id.text() != kId + "4") continue;
    ++found;
    EXPECT_NE(one->epoch.text(), epoch);
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace sluice::sync
