// SPDX-License-Identifier: Apache-2.0
#include "core/subject.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

TEST(EscapeToken, EveryByteComesBackAndNoneActsInASubject) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string token = escape_token(all);
  EXPECT_EQ(token.find_first_of(".*> \t\r\n"), std::string::npos);
  const auto back = unescape_token(token);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, all);
}

TEST(EscapeToken, KeepsPlainNamesReadable) {
  EXPECT_EQ(escape_token("Tank_level-2"), "Tank_level-2");
  EXPECT_EQ(escape_token("a.b"), "a%2Eb");
  EXPECT_EQ(escape_token("\xc3\xa4"), "%C3%A4");
}

// One name has one token: another spelling of it would be another subject for permissions.
TEST(UnescapeToken, RefusesOtherSpellings) {
  for (const char* bad : {"a.b", "%", "%2", "%2e", "%zz", "a b", "%2E%"})
    EXPECT_FALSE(unescape_token(bad)) << bad;
}

TEST(EventSubject, IsReadBackAsItWasWritten) {
  const EventSubject subject{"main", "plant-7", Lane::kAlarm, "pump house", "Over.heated"};
  EXPECT_EQ(subject.text(), "ev.main.plant-7.alarm.pump%20house.Over%2Eheated");
  const auto parsed = EventSubject::parse(subject.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->shard, "main");
  EXPECT_EQ(parsed->gateway, "plant-7");
  EXPECT_EQ(parsed->lane, Lane::kAlarm);
  EXPECT_EQ(parsed->category, "pump house");
  EXPECT_EQ(parsed->type, "Over.heated");
}

TEST(EventSubject, MayCarryTheEntityInAFurtherToken) {
  EXPECT_TRUE(EventSubject::parse("ev.main.plant-7.alarm.pump.Hot.7"));
}

TEST(EventSubject, RefusesWhatIsNotOne) {
  for (const char* bad : {"", "ev", "ev.main.plant-7.alarm.pump", "xx.main.plant-7.alarm.pump.Hot",
                          "ev.Main.plant-7.alarm.pump.Hot", "ev.main.plant 7.alarm.pump.Hot",
                          "ev.main.plant-7.urgent.pump.Hot", "ev.main.plant-7.alarm.pu mp.Hot"})
    EXPECT_FALSE(EventSubject::parse(bad)) << bad;
}

TEST(HubNames, AreTheOnesThatPermissionsName) {
  EXPECT_EQ(hub_stream_name("main"), "EVENTS-main");
  EXPECT_EQ(hub_stream_subjects("main"), "ev.main.>");
  EXPECT_EQ(gateway_inbox_prefix("plant-7"), "_INBOX_plant-7");
  EXPECT_EQ(need_subject("plant-7"), "need.plant-7");
  EXPECT_EQ(report_subject("plant-7"), "$KV.SLUICE-REPORTS.plant-7");
}

}  // namespace
}  // namespace sluice::core
