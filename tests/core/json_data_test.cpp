// SPDX-License-Identifier: Apache-2.0
#include "core/codec/json_data.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/random.hpp"
#include "tests/core/bytes.hpp"

namespace sluice::codec {
namespace {

using core::Errc;
using test::bytes;
using test::hex;

std::string to_json(const std::string& data) {
  std::string out;
  data_to_json(data, out);
  return out;
}

// The data of a JSON text as hex, and the JSON that comes back.
std::pair<std::string, std::string> there_and_back(const std::string& json) {
  const auto data = json_to_data(json);
  if (!data) return {"refused: " + data.error().message, ""};
  EXPECT_EQ(hex(*canonical_data(*data)), hex(*data)) << json;
  return {hex(*data), to_json(*data)};
}

Errc refusal(const std::string& json) {
  const auto data = json_to_data(json);
  EXPECT_FALSE(data) << json << " gave " << hex(*data);
  return data ? Errc::kInternal : data.error().code;
}

using Pair = std::pair<std::string, std::string>;

TEST(JsonData, KeepsIntegersOf64Bits) {
  EXPECT_EQ(there_and_back("0"), Pair("00", "0"));
  EXPECT_EQ(there_and_back("-1"), Pair("ff", "-1"));
  EXPECT_EQ(there_and_back("9007199254740993").second, "9007199254740993");
  EXPECT_EQ(there_and_back("18446744073709551615"),
            Pair("cfffffffffffffffff", "18446744073709551615"));
  EXPECT_EQ(there_and_back("-9223372036854775808"),
            Pair("d38000000000000000", "-9223372036854775808"));
}

TEST(JsonData, RefusesIntegersBeyond64Bits) {
  for (const char* beyond : {"18446744073709551616", "-9223372036854775809",
                             "100000000000000000000000000000000000000000"})
    EXPECT_EQ(refusal(beyond), Errc::kBadRequest) << beyond;
  EXPECT_EQ(refusal("[1, 18446744073709551616]"), Errc::kBadRequest);
}

TEST(JsonData, KeepsAFloatAFloat) {
  EXPECT_EQ(there_and_back("1.0"), Pair("cb3ff0000000000000", "1.0"));
  EXPECT_EQ(there_and_back("1e2"), Pair("cb4059000000000000", "100.0"));
  EXPECT_EQ(there_and_back("-0.0"), Pair("cb8000000000000000", "-0.0"));
  EXPECT_EQ(there_and_back("-0"), Pair("cb8000000000000000", "-0.0"));
  EXPECT_EQ(there_and_back("0.1").second, "0.1");
  EXPECT_EQ(there_and_back("1.7976931348623157e308").second, "1.7976931348623157e+308");
  EXPECT_EQ(there_and_back("5e-324").second, "5e-324");
  EXPECT_EQ(refusal("1e400"), Errc::kBadRequest);
  EXPECT_EQ(refusal("-1e400"), Errc::kBadRequest);
}

TEST(JsonData, ReadsADecimalToTheNearestFloat) {
  // Halfway cases and long fractions, where a quick parser is one unit off.
  EXPECT_EQ(there_and_back("9007199254740993.0").first, "cb4340000000000000");
  EXPECT_EQ(there_and_back("2.2250738585072011e-308").first, "cb000fffffffffffff");
  EXPECT_EQ(there_and_back("0.500000000000000166533453693773481063544750213623046875").first,
            "cb3fe0000000000002");
  EXPECT_EQ(there_and_back("3.14159265358979323846264338327950288").first, "cb400921fb54442d18");
}

TEST(JsonData, RefusesWhatJsonDoesNotHave) {
  for (const char* bad :
       {"", " ", "NaN", "Infinity", "nul", "{", "[1,]", "{\"a\":1,}", "'a'", "01", "1.", "+1",
        "1 2", "{\"a\" 1}", "\"\\ud800\"", "\"\xff\"", "\"a\nb\"", "/*c*/1", "\xef\xbb\xbf{}"})
    EXPECT_EQ(refusal(bad), Errc::kBadRequest) << bad;
}

TEST(JsonData, RefusesARepeatedKeyAlsoWhenEscaped) {
  EXPECT_EQ(refusal("{\"a\":1,\"a\":2}"), Errc::kBadRequest);
  EXPECT_EQ(refusal("{\"a\":1,\"\\u0061\":2}"), Errc::kBadRequest);
  EXPECT_EQ(refusal("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"), Errc::kBadRequest);
  EXPECT_TRUE(json_to_data("[{\"a\":1},{\"a\":2}]"));
}

TEST(JsonData, CarriesBytesAsBase64) {
  EXPECT_EQ(there_and_back("{\"$bytes\":\"AQI=\"}"), Pair("c4020102", "{\"$bytes\":\"AQI=\"}"));
  EXPECT_EQ(there_and_back("{\"$bytes\":\"\"}"), Pair("c400", "{\"$bytes\":\"\"}"));
  EXPECT_EQ(there_and_back("{\"a\":{\"$bytes\":\"AQI=\"}}").first, "81a161c4020102");
  const std::string big(300, 'A');
  EXPECT_EQ(there_and_back("{\"$bytes\":\"" + big + "\"}").second, "{\"$bytes\":\"" + big + "\"}");
  for (const char* bad : {"1", "null", "\"x\"", "\"AQI\"", "[]", "{}", "{\"$bytes\":\"AQI=\"}"})
    EXPECT_EQ(refusal(std::string("{\"$bytes\":") + bad + "}"), Errc::kBadRequest) << bad;
  // With company it is a key like any other.
  EXPECT_TRUE(json_to_data("{\"$bytes\":1,\"b\":2}"));
}

TEST(JsonData, KeepsEveryCharacterOfAText) {
  const std::string json = "\"\\u0000\\u001f\\\"\\\\\\n\xc3\xa4\xf0\x9f\x98\x80\\u007f\"";
  EXPECT_EQ(there_and_back(json).second, json);
  EXPECT_EQ(there_and_back("\"\\ud83d\\ude00\\/\"").second, "\"\xf0\x9f\x98\x80/\"");
}

TEST(JsonData, KeepsContainersOfEverySize) {
  for (const std::size_t size : {0u, 1u, 15u, 16u, 200u, 16'000u}) {
    std::string json = "[";
    for (std::size_t i = 0; i < size; ++i) json += i == 0 ? "0" : ",0";
    json += ']';
    EXPECT_EQ(there_and_back(json).second, json) << size;
  }
  EXPECT_EQ(there_and_back("{\"b\":{},\"a\":[[],{}]}").second, "{\"b\":{},\"a\":[[],{}]}");
}

TEST(JsonData, RefusesBombs) {
  EXPECT_TRUE(json_to_data(std::string(16, '[') + std::string(16, ']')));
  EXPECT_EQ(refusal(std::string(17, '[') + std::string(17, ']')), Errc::kTooLarge);
  EXPECT_EQ(refusal(std::string(100'000, '[')), Errc::kTooLarge);
  std::string wide = "[0";
  for (int i = 0; i < 17'000; ++i) wide += ",0";
  EXPECT_EQ(refusal(wide + "]"), Errc::kTooLarge);
  EXPECT_EQ(refusal("\"" + std::string(300 * 1024, 'x') + "\""), Errc::kTooLarge);
  EXPECT_EQ(refusal("{\"" + std::string(300 * 1024, 'x') + "\":1}"), Errc::kTooLarge);
  EXPECT_EQ(refusal(std::string(4 << 20, ' ') + "1"), Errc::kTooLarge);
}

TEST(JsonData, IsOneToOneForRandomData) {
  core::SeededRandom random(11);
  const std::string heads = bytes("80818283909192a0a1a2c0c2c3c4cacbcccdcecfd0d1d2d3d9dcdee0ff0105");
  std::size_t accepted = 0;
  for (int run = 0; run < 100'000; ++run) {
    std::string in;
    const std::size_t size = 1 + random.below(24);
    for (std::size_t i = 0; i < size; ++i)
      in += random.below(3) == 0 ? static_cast<char>(random.next())
                                 : heads[random.below(heads.size())];
    const auto data = canonical_data(in);
    if (!data) continue;
    ++accepted;
    const auto back = json_to_data(to_json(*data));
    ASSERT_TRUE(back) << hex(*data) << " " << to_json(*data) << " " << back.error().message;
    ASSERT_EQ(hex(*back), hex(*data)) << to_json(*data);
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(EventToJson, WritesEveryFieldOnce) {
  core::EventView event;
  event.gateway = "plant-7";
  event.epoch = core::Epoch{0xf3a};
  event.lane = core::Lane::kAlarm;
  event.seq = 42;
  event.category = "pump";
  event.entity = "7 \"a\"";
  event.version = 3;
  event.occurred_at_ns = -1;
  event.recorded = {1'500'000'000, core::Uuid{}, 9, false};
  event.type = "Hot";
  const std::string data = bytes("81a16101");
  event.data = data;
  std::string json;
  event_to_json(event, json);
  EXPECT_EQ(
      json,
      "{\"gateway\":\"plant-7\",\"epoch\":\"0000000000000f3a\",\"lane\":\"alarm\",\"seq\":42,"
      "\"stream\":\"pump/7 \\\"a\\\"\",\"version\":3,\"type\":\"Hot\","
      "\"id\":\"00000000-0000-0000-0000-000000000000\","
      "\"occurred_at\":\"1969-12-31T23:59:59.999999999Z\","
      "\"recorded_at\":\"1970-01-01T00:00:01.5Z\",\"clock_trusted\":false,\"data\":{\"a\":1}}");
}

}  // namespace
}  // namespace sluice::codec
