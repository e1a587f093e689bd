// SPDX-License-Identifier: Apache-2.0
#include "core/ids.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

#include "core/limits.hpp"
#include "core/write_token.hpp"

namespace sluice::core {
namespace {

TEST(GatewayId, IsOneTokenOfASubject) {
  EXPECT_TRUE(GatewayId::parse("plant-7"));
  EXPECT_TRUE(GatewayId::parse(std::string(32, 'a')));
  EXPECT_FALSE(GatewayId::parse(std::string(33, 'a')));
  for (const char* bad : {"", "Plant", "a.b", "a b", "a*", "a>", "a_b", "\xc3\xa4"})
    EXPECT_FALSE(GatewayId::parse(bad)) << bad;
}

TEST(GatewayId, ErrorStaysPrintableWhateverWasGiven) {
  const auto id = GatewayId::parse(std::string("\xff\n", 2) + std::string(5000, 'x'));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().field, "gateway");
  EXPECT_LT(id.error().message.size(), 400u);
  for (const char c : id.error().message) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(Epoch, IsSixteenLowerCaseHexDigitsAndNeverZero) {
  const auto epoch = Epoch::parse("00000000000000ff");
  ASSERT_TRUE(epoch);
  EXPECT_EQ(epoch->value, 255u);
  EXPECT_EQ(epoch->text(), "00000000000000ff");
  EXPECT_EQ(Epoch{0xfedcba9876543210u}.text(), "fedcba9876543210");
  for (const char* bad : {"", "ff", "00000000000000FF", "0000000000000000", "00000000000000fg",
                          "00000000000000ff0", "-000000000000001", "0x00000000000001"})
    EXPECT_FALSE(Epoch::parse(bad)) << bad;
}

TEST(Lane, HasFourNamesThatComeBack) {
  for (const Lane lane : kLanes) {
    const auto parsed = parse_lane(lane_name(lane));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, lane);
  }
  EXPECT_FALSE(parse_lane("Alarm"));
  EXPECT_FALSE(parse_lane(""));
}

TEST(StreamName, SplitsAtTheFirstSlash) {
  const auto name = StreamName::parse("pump/hall 2/7");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->category, "pump");
  EXPECT_EQ(name->entity, "hall 2/7");
  EXPECT_EQ(name->text(), "pump/hall 2/7");
}

TEST(StreamName, RefusesWhatCannotBeAName) {
  const std::string long_category(limits::kCategoryBytes + 1, 'c');
  const std::string long_entity(limits::kEntityBytes + 1, 'e');
  for (const std::string& bad :
       {std::string("pump"), std::string("/7"), std::string("pump/"), std::string("pump/a\nb"),
        std::string("pump/\x7f"), std::string("pump/\xff"), std::string("pump/a\0b", 8),
        long_category + "/7", "pump/" + long_entity})
    EXPECT_FALSE(StreamName::parse(bad)) << bad;
  EXPECT_TRUE(StreamName::parse(std::string(limits::kCategoryBytes, 'c') + "/" +
                                std::string(limits::kEntityBytes, 'e')));
}

TEST(StreamName, LengthErrorsAreTooLarge) {
  const auto name = StreamName::parse(std::string(limits::kCategoryBytes + 1, 'c') + "/7");
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Errc::kTooLarge);
  EXPECT_EQ(name.error().field, "category");
}

TEST(Uuid, ReadsEitherCaseAndWritesLower) {
  const auto id = Uuid::parse("0190F3A1-7b2c-7ABC-8def-0123456789aB");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), "0190f3a1-7b2c-7abc-8def-0123456789ab");
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_FALSE(id->is_nil());
}

TEST(Uuid, RefusesOtherForms) {
  for (const char* bad :
       {"", "0190f3a17b2c7abc8def0123456789ab", "{0190f3a1-7b2c-7abc-8def-0123456789ab}",
        "0190f3a1-7b2c-7abc-8def-0123456789ag", "0190f3a1-7b2c-7abc-8def-0123456789a",
        "0190f3a-17b2c-7abc-8def-0123456789ab", "0190f3a1-7b2c-7abc-8def-0123456789ab "})
    EXPECT_FALSE(Uuid::parse(bad)) << bad;
}

TEST(Uuid, HashTellsSequentialIdsApart) {
  std::unordered_set<std::size_t> hashes;
  Uuid id;
  for (int i = 0; i < 10'000; ++i) {
    id.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    id.bytes[15] = static_cast<std::uint8_t>(i);
    hashes.insert(std::hash<Uuid>{}(id));
  }
  EXPECT_EQ(hashes.size(), 10'000u);
}

TEST(Identity, IsWrittenAsTheMessageId) {
  const Identity event{"plant-7", Epoch{0x0f3a}, Lane::kTelemetry, 42, 0};
  EXPECT_EQ(event.text(), "plant-7.0000000000000f3a.telemetry.42");
  const Identity gap{"plant-7", Epoch{0x0f3a}, Lane::kAlarm, 42, 57};
  EXPECT_EQ(gap.text(), "plant-7.0000000000000f3a.alarm.42-57");
  for (const Identity& identity : {event, gap}) {
    const auto parsed = Identity::parse(identity.text());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, identity);
  }
}

TEST(Identity, RefusesWhatIsNotExactlyOne) {
  for (const char* bad :
       {"", "plant-7.0000000000000f3a.telemetry", "plant-7.0000000000000f3a.telemetry.0",
        "plant-7.0000000000000f3a.telemetry.042", "plant-7.0000000000000f3a.telemetry.42-41",
        "plant-7.0000000000000f3a.telemetry.42-", "plant-7.0000000000000f3a.telemetry.-42",
        "plant-7.0000000000000F3A.telemetry.42", "Plant.0000000000000f3a.telemetry.42",
        "plant-7.0000000000000f3a.lane.42", "plant-7.0000000000000f3a.telemetry.42.1",
        "plant-7.0000000000000f3a.telemetry.18446744073709551616"})
    EXPECT_FALSE(Identity::parse(bad)) << bad;
  EXPECT_TRUE(Identity::parse("plant-7.0000000000000f3a.telemetry.18446744073709551615"));
}

TEST(WriteToken, IsReadAsItWasWritten) {
  const std::string text = write_token("plant-7", Epoch{0xf3a}, Lane::kTelemetry, 42);
  EXPECT_EQ(text, "plant-7:0000000000000f3a:telemetry:42");
  const auto read = parse_write_token(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->gateway, "plant-7");
  EXPECT_EQ(read->epoch, Epoch{0xf3a});
  EXPECT_EQ(read->lane, Lane::kTelemetry);
  EXPECT_EQ(read->seq, 42u);
  EXPECT_EQ(read->to, 0u);
}

TEST(WriteToken, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "plant-7", "plant-7:0000000000000f3a:telemetry", "plant-7:0000000000000f3a:telemetry:0",
        "plant-7:0000000000000f3a:telemetry:4x", "plant-7:0000000000000f3a:telemetry:-4",
        "plant-7:f3a:telemetry:4", "plant-7:0000000000000f3a:lane:4",
        "Plant:0000000000000f3a:telemetry:4", "plant-7:0000000000000f3a:telemetry:4:5",
        "plant-7:0000000000000f3a:telemetry:99999999999999999999"}) {
    const auto read = parse_write_token(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_NE(read.error().message.find("token of an append"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::core
