// SPDX-License-Identifier: Apache-2.0
// The hub loses its store after the gateway has trimmed what it had acknowledged: what is gone is
// said in a gap record, and every model goes on behind it, the one that had it all and a new one.
#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using core::Lane;

constexpr const char* kCounts = R"(
model = "pumps"
version = 1
[table.pump]
key = { gateway = "$gateway", pump = "$entity" }
columns = { n = { type = "int", default = 0 } }
[[table.pump.on]]
type = ["Started", "Stopped"]
inc = { n = 1 }
[view.totals]
sql = "SELECT gateway, sum(n) AS n FROM pump GROUP BY gateway"
)";

bool counts(const HubProgram& hub, std::int64_t events) {
  return eventually([&] { return hub.effects() == events; }, 60s) &&
         hub.json("/v1/holds").at("holds").as_array().empty();
}

TEST(Trimmed, WhatTheHubLostAndTheGatewayNoLongerHasIsAGapAndEveryModelGoesOn) {
  NatsServer server;
  sync::HubOperator hub(server.url());
  hub.make_streams();
  sync::Installation gateway(
      server.url(), {.sections = "[log]\nretention = \"0ms\"\nhub_sync_interval = \"0ms\"\n"});
  gateway.start();
  gateway.append(66'000);  // more than a segment holds
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  ASSERT_TRUE(eventually(
      [&] {
        gateway.append(1);  // trimming goes with commits
        return gateway.first() > 60'000;
      },
      60s))
      << "nothing was trimmed; " << gateway.logs();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto all = static_cast<std::int64_t>(gateway.last()) - 1;  // but for EpochOpened
  HubProgram before(server.url(), {.model = kCounts, .more = ""});
  ASSERT_TRUE(counts(before, all)) << before.effects() << " of " << all;
  before.terminate();

  EXPECT_EQ(gateway.uplink->terminate(), 0);
  hub.ask("STREAM.DELETE.EVENTS-main");
  hub.ask("STREAM.DELETE.KV_SLUICE-REPORTS");
  hub.make_streams();
  gateway.start_uplink();
  gateway.append(10);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  const auto first = gateway.first();
  before.start();
  EXPECT_TRUE(counts(before, all + 10)) << before.effects() << before.log();
  HubProgram fresh(server.url(), {.model = kCounts, .more = ""});
  const auto retained = static_cast<std::int64_t>(gateway.last() - first + 1);
  EXPECT_TRUE(counts(fresh, retained)) << fresh.effects() << " of " << retained << fresh.log();
  // The new model missed the beginning, and the gateway was asked for it.
  bool is_said = false;
  for (const auto& message : hub.all()) {
    const auto identity = core::Identity::parse(message.identity);
    if (!identity || identity->lane != Lane::kTelemetry || identity->to == 0) continue;
    const auto event = codec::decode_event(message.body);
    ASSERT_TRUE(event);
    const auto gap = codec::decode_gap(event->data);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->reason, core::GapReason::kTrimmed);
    EXPECT_EQ(identity->seq, 1u);
    EXPECT_EQ(gap->to, first - 1);
    is_said = true;
  }
  EXPECT_TRUE(is_said);
  gateway.append(5);
  EXPECT_TRUE(counts(fresh, retained + 5)) << fresh.effects() << fresh.log();
}

}  // namespace
}  // namespace sluice::test
