// SPDX-License-Identifier: Apache-2.0
// What a gateway drops for want of room is told to the hub in its place.
#include "core/codec/event_codec.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

constexpr const char* kSmallLane = "[log.telemetry]\nquota = \"16MiB\"\npolicy = \"drop-oldest\"\n";
constexpr std::size_t kBytes = 60'000;

class DropOldest : public ::testing::Test {
 protected:
  // About 24 MB, in appends of a size that is taken.
  static void append_more_than_the_quota(Installation& gateway) {
    for (int i = 0; i < 40; ++i) gateway.append(10, kBytes);
  }
  struct Gaps {
    std::size_t records = 0;
    std::set<std::string> epochs;
    std::set<core::GapReason> reasons;
  };
  static Gaps gaps_of(const std::vector<HubOperator::Stored>& stored) {
    Gaps gaps;
    for (const auto& message : stored) {
      const auto identity = core::Identity::parse(message.identity);
      if (!identity || identity->lane != Lane::kTelemetry || identity->to == 0) continue;
      const auto event = codec::decode_event(message.body);
      const auto gap =
          event ? codec::decode_gap(event->data) : core::Result<core::Gap>(event.error());
      EXPECT_TRUE(gap);
      if (!gap) continue;
      ++gaps.records;
      gaps.epochs.insert(identity->epoch.text());
      gaps.reasons.insert(gap->reason);
    }
    return gaps;
  }
  static std::size_t count_of(const std::vector<HubOperator::Stored>& stored,
                              const std::string& type) {
    std::size_t count = 0;
    for (const auto& message : stored) {
      const auto event = codec::decode_event(message.body);
      count += event && event->type == type;
    }
    return count;
  }
};

TEST_F(DropOldest, TheHubGetsGapRecordsInThePlaceOfWhatWasDroppedBeforeItsFirstConnection) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url(), {.sections = kSmallLane});
  gateway.start_sluiced();
  for (int i = 0; i < 3; ++i) gateway.append(10, kBytes);
  gateway.sluiced->terminate();
  gateway.start_sluiced();  // two epochs, both dropped from
  append_more_than_the_quota(gateway);
  ASSERT_GT(gateway.first(), 32u);
  gateway.start_uplink();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  const auto stored = hub.all();
  expect_each_once(stored, Lane::kTelemetry, 1, gateway.last());
  const Gaps gaps = gaps_of(stored);
  EXPECT_GE(gaps.records, 2u);
  EXPECT_EQ(gaps.epochs.size(), 2u);
  EXPECT_EQ(gaps.reasons, std::set<core::GapReason>{core::GapReason::kQuota});
  EXPECT_GE(count_of(stored, "EventsDropped"), 1u);
}

TEST_F(DropOldest, TheHubGetsGapRecordsOfARunningUplinkForWhatWasDroppedInAnOutage) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url(), {.sections = kSmallLane});
  gateway.start();
  gateway.append(10, kBytes);
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();
  const auto before = gateway.acked();
  server.stop();
  append_more_than_the_quota(gateway);
  ASSERT_GT(gateway.first(), before + 1);
  server.start();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  const auto stored = HubOperator(server.url()).all();
  expect_each_once(stored, Lane::kTelemetry, 1, gateway.last());
  const Gaps gaps = gaps_of(stored);
  EXPECT_GE(gaps.records, 1u);
  EXPECT_EQ(gaps.reasons, std::set<core::GapReason>{core::GapReason::kQuota});
}

}  // namespace
}  // namespace sluice::sync
