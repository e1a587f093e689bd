// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluice::core {
namespace {

TEST(Utf8, AcceptsEveryLengthAtItsEnds) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, RefusesOverlongSurrogatesAndTruncated) {
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "a\xc2z", "\xe2\x82z"})
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

TEST(Printable, ShowsBytesAndStaysShort) {
  EXPECT_EQ(printable("a\n\xff"), "a\\x0a\\xff");
  EXPECT_EQ(printable(std::string(200, 'x')), std::string(80, 'x') + "...");
}

TEST(Split, KeepsEmptyPieces) {
  EXPECT_EQ(split("a..b", '.').size(), 3u);
  EXPECT_EQ(split("", '.').size(), 1u);
  EXPECT_EQ(split("a.", '.').back(), "");
}

// RFC 4648 section 10.
TEST(Base64, MeetsThePublishedVectors) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const char* bad :
       {"Zg=", "Zg", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9=", "Zm 9", "Zm9v\n", "_-_-", "=Zg="})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Time, IsWrittenAsShortAsItIs) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(1'500'000'000), "1970-01-01T00:00:01.5Z");
  EXPECT_EQ(format_time(1), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(format_time(1'763'694'855'123'456'789), "2025-11-21T03:14:15.123456789Z");
}

TEST(Time, WritesAllOf64Bits) {
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::max()),
            "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::min()),
            "1677-09-21T00:12:43.145224192Z");
}

TEST(Time, ReadsWhatItWrites) {
  for (const std::int64_t ns :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'763'694'855'123'456'789},
        std::int64_t{-9'000'000'000'000'000'000}, std::int64_t{9'000'000'000'000'000'000}}) {
    const auto back = parse_time(format_time(ns));
    ASSERT_TRUE(back) << format_time(ns);
    EXPECT_EQ(*back, ns);
  }
}

TEST(Time, ReadsOffsetsAndTheLooserForms) {
  const std::int64_t at = 1'763'694'855'000'000'000;
  for (const char* same : {"2025-11-21T03:14:15Z", "2025-11-21t03:14:15z", "2025-11-21 03:14:15",
                           "2025-11-21T04:14:15+01:00", "2025-11-20T21:44:15-05:30",
                           "2025-11-21T03:14:15.000000000Z"}) {
    const auto time = parse_time(same);
    ASSERT_TRUE(time) << same;
    EXPECT_EQ(*time, at) << same;
  }
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "now", "2025-11-21", "2025-11-21T03:14Z", "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z", "2025-11-21T24:00:00Z", "2025-11-21T03:60:00Z",
        "2025-11-21T03:14:60Z", "2025-11-21T03:14:15.Z", "2025-11-21T03:14:15.1234567890Z",
        "2025-11-21T03:14:15+1:00", "2025-11-21T03:14:15+24:00", "2025-11-21T03:14:15ZZ",
        "2025-11-21T03:14:15 Z", "1600-01-01T00:00:00Z", "2300-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

TEST(Human, ChoosesAUnit) {
  EXPECT_EQ(human_bytes(312), "312 B");
  EXPECT_EQ(human_bytes(1'468'006), "1.4 MiB");
  EXPECT_EQ(human_duration(350'000'000), "350 ms");
  EXPECT_EQ(human_duration(61'000'000'000), "1 min 1 s");
  EXPECT_EQ(human_duration((2 * 86'400 + 4 * 3600) * std::int64_t{1'000'000'000}), "2 d 4 h");
}

}  // namespace
}  // namespace sluice::core
