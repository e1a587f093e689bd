// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "hub/api/trail_search.hpp"
#include "hub/api/trail_words.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::hub {
namespace {

using test::TestPublisher;

TEST(Trail, AnEventIsNamedByIdIdentityOrToken) {
  const auto identity = WantedEvent::parse("plant-7.00000000000000aa.telemetry.42");
  ASSERT_TRUE(identity);
  ASSERT_TRUE(identity->identity);
  EXPECT_EQ(identity->identity->seq, 42u);
  const auto token = WantedEvent::parse("plant-7:00000000000000aa:telemetry:42");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->identity, identity->identity);
  const auto id = WantedEvent::parse("01890A5D-AC96-774B-BCCE-B302099A8057");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->made_ns(), 1'688'096'058'518'000'000) << "a UUIDv7 carries its time";
  EXPECT_FALSE(WantedEvent::parse("3d813cbb-47fb-42ba-91df-831e1593ac29")->made_ns());
  for (const char* bad : {"", "plant-7", "plant-7.x.telemetry.1", "<script>", "42"})
    EXPECT_EQ(WantedEvent::parse(bad).error().code, core::Errc::kBadRequest) << bad;
}

TEST(Trail, TheGatewaysReportSaysWhereItIs) {
  codec::Report report;
  report.epoch = core::Epoch{0xaa};
  report.lanes[index(core::Lane::kTelemetry)] = {100, 60};
  core::Identity identity{"plant-7", core::Epoch{0xaa}, core::Lane::kTelemetry, 60, 0};
  EXPECT_STREQ(at_gateway(identity, report).state, "acknowledged");
  identity.seq = 61;
  EXPECT_STREQ(at_gateway(identity, report).state, "waiting");
  identity.seq = 101;
  EXPECT_STREQ(at_gateway(identity, report).state, "not there");
  identity.epoch = core::Epoch{0xbb};
  EXPECT_STREQ(at_gateway(identity, report).state, "other log");
}

class TrailSearch : public testing::Test {
 protected:
  TrailSearch() : publisher_(server_.url()) { publisher_.make_hub_stream("main"); }
  TrailFound find(const std::string& text, TrailLimits limits = {}) {
    const auto wanted = WantedEvent::parse(text);
    EXPECT_TRUE(wanted);
    const auto found = search_trail(publisher_.connection(), "EVENTS-main", *wanted, limits);
    EXPECT_TRUE(found) << (found ? "" : core::to_string(found.error()));
    return found ? *found : TrailFound{};
  }
  test::NatsServer server_;
  TestPublisher publisher_;
  TestPublisher::Lane a_{"main", "plant-7", core::Epoch{0xa}, core::Lane::kTelemetry};
  TestPublisher::Lane b_{"main", "plant-8", core::Epoch{0xb}, core::Lane::kAlarm};
};

TEST_F(TrailSearch, HalvesItsWayToASeqAmongThousands) {
  publisher_.epoch_opened(a_, 1);
  publisher_.epoch_opened(b_, 1);
  for (core::Seq from = 2; from <= 15'000; from += 1'000) {
    publisher_.events(a_, from, from + 999);
    publisher_.events(b_, from, from + 9);
  }
  ASSERT_TRUE(publisher_.hub_last("main") > 15'000);
  const auto found = find("plant-7.000000000000000a.telemetry.12345");
  ASSERT_TRUE(found.message);
  EXPECT_EQ(found.message->message_id, "plant-7.000000000000000a.telemetry.12345");
  EXPECT_LT(found.read, 4'000u) << "it was not read from the beginning";
  EXPECT_GT(found.from, 8'000u);
}

TEST_F(TrailSearch, SaysWhatItReadAndGoesOnFromThere) {
  publisher_.epoch_opened(a_, 1);
  publisher_.events(a_, 2, 50);
  const auto missing = find("3d813cbb-47fb-42ba-91df-831e1593ac29");
  EXPECT_FALSE(missing.message);
  EXPECT_EQ(missing.read, 50u);
  EXPECT_EQ(missing.to, missing.last);
  TrailLimits limits;
  limits.from = 30;
  EXPECT_EQ(find("3d813cbb-47fb-42ba-91df-831e1593ac29", limits).read, 21u);
  EXPECT_FALSE(find("plant-7.000000000000000a.telemetry.999").message);
}

TEST_F(TrailSearch, AGapRecordStandsForAllThatItCovers) {
  publisher_.epoch_opened(a_, 1);
  publisher_.gap(a_, 2, 9);
  const auto found = find("plant-7.000000000000000a.telemetry.5");
  ASSERT_TRUE(found.message);
  EXPECT_EQ(found.message->sequence, 2u);
}

}  // namespace
}  // namespace sluice::hub
