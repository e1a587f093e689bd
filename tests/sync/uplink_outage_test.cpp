// SPDX-License-Identifier: Apache-2.0
// The hub goes away, forgets, or refuses: sluice-uplink with a real nats-server and a real sluiced.
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

TEST(Uplink, DrainsInOrderAndOnce) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url());
  gateway.start();
  gateway.append(5'000);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto stored = hub.all();
  for (auto lane : core::kLanes) expect_each_once(stored, lane, 1, gateway.last(lane));
  EXPECT_EQ(gateway.link("state"), "up");
}

TEST(Uplink, StartsAgainWithoutSendingWhatWasAcked) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams({.duplicate_window_ms = 100});
  Installation gateway(server.url());
  gateway.start();
  gateway.append(1'000);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  EXPECT_EQ(gateway.uplink->terminate(), 0);
  gateway.append(500);
  gateway.start_uplink();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  expect_each_once(hub.all(), Lane::kTelemetry, 1, gateway.last());
}

// nats.c's own reconnect leaves a hole in the middle here, without an error (facts: 74 of 100,000).
TEST(Uplink, ServerKilledInAFastDrainLeavesNoHole) {
  test::NatsServer server;
  auto hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  Installation gateway(server.url());
  gateway.start_sluiced();
  gateway.append(40'000);
  gateway.start_uplink();
  for (int kill = 1; kill <= 3; ++kill) {
    const auto enough = static_cast<std::uint64_t>(kill) * 8'000;
    ASSERT_TRUE(eventually([&] { return hub->last_seq() >= enough; }, 60s)) << gateway.logs();
    server.kill();
    server.start();
    hub = std::make_unique<HubOperator>(server.url());
  }
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  const auto stored = hub->all();
  const auto last = gateway.last();
  EXPECT_EQ(seqs_of(stored, Lane::kTelemetry).size(), last);
  expect_each_once(stored, Lane::kTelemetry, 1, last);
}

TEST(Uplink, UplinkKilledInAFastDrainLeavesNoHole) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url());
  gateway.start_sluiced();
  gateway.append(20'000);
  for (std::uint64_t enough = 3'000; enough <= 9'000; enough += 3'000) {
    gateway.start_uplink();
    ASSERT_TRUE(eventually([&] { return hub.last_seq() >= enough; }, 60s)) << gateway.logs();
    gateway.uplink->kill();
  }
  gateway.start_uplink();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  expect_each_once(hub.all(), Lane::kTelemetry, 1, gateway.last());
}

TEST(Uplink, EmptyStoreIsFilledAgainFromWhatTheLogRetains) {
  test::NatsServer server;
  auto hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  Installation gateway(server.url());
  gateway.start();
  gateway.append(2'000);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  server.kill();
  server.delete_store();
  server.start();
  hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  gateway.append(100);
  const auto last = gateway.last();
  ASSERT_TRUE(eventually([&] { return gateway.drained() && hub->last_seq() >= last; }, 90s))
      << gateway.logs();
  expect_each_once(hub->all(), Lane::kTelemetry, 1, last);
}

TEST(Uplink, StoreCutBackToAnOlderCopyGetsTheRestAgain) {
  test::NatsServer server;
  auto hub = std::make_unique<HubOperator>(server.url());
  hub->make_streams();
  Installation gateway(server.url());
  gateway.start();
  gateway.append(1'500);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  test::TempDir copies;
  server.stop();
  server.copy_store(copies / "store");
  server.start();
  gateway.append(1'500);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  server.kill();
  server.restore_store(copies / "store");
  server.start();
  hub = std::make_unique<HubOperator>(server.url());
  gateway.append(10);
  const auto last = gateway.last();
  ASSERT_TRUE(eventually(
      [&] { return gateway.drained() && seqs_of(hub->all(), Lane::kTelemetry).size() == last; },
      90s))
      << gateway.logs();
}

TEST(Uplink, FullHubStreamIsWaitedForAndLeavesNoHole) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams({.max_bytes = 300'000});
  Installation gateway(server.url());
  gateway.start();
  gateway.append(4'000, 100);
  ASSERT_TRUE(eventually(
      [&] { return gateway.link("last_error").find("maximum bytes") != std::string::npos; }, 60s))
      << gateway.link("last_error") << gateway.logs();
  EXPECT_LT(gateway.acked(), gateway.last());
  EXPECT_EQ(gateway.link("state"), "up");
  hub.set_max_bytes(-1);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 90s)) << gateway.logs();
  EXPECT_EQ(seqs_of(hub.all(), Lane::kTelemetry).size(), gateway.last());
}

TEST(Uplink, MissingHubStreamIsSaidInWordsAndEndsWhenItIsMade) {
  test::NatsServer server;
  HubOperator hub(server.url());
  Installation gateway(server.url());
  gateway.start();
  gateway.append(10);
  ASSERT_TRUE(eventually(
      [&] { return gateway.link("last_error").find("sluice provision") != std::string::npos; },
      60s))
      << gateway.link("last_error") << gateway.logs();
  hub.make_streams();
  EXPECT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
}

}  // namespace
}  // namespace sluice::sync
