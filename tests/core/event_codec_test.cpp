// SPDX-License-Identifier: Apache-2.0
#include "core/codec/event_codec.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/codec/json_data.hpp"
#include "core/random.hpp"
#include "tests/core/bytes.hpp"
#include "tests/core/example_event.hpp"

namespace sluice::codec {
namespace {

using core::Errc;
using test::bytes;
using test::hex;

void expect_equal(const core::EventView& a, const core::EventView& b) {
  EXPECT_EQ(a.gateway, b.gateway);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.lane, b.lane);
  EXPECT_EQ(a.seq, b.seq);
  EXPECT_EQ(a.stream(), b.stream());
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.occurred_at_ns, b.occurred_at_ns);
  EXPECT_EQ(a.recorded.wall_ns, b.recorded.wall_ns);
  EXPECT_EQ(a.recorded.boot, b.recorded.boot);
  EXPECT_EQ(a.recorded.monotonic_ns, b.recorded.monotonic_ns);
  EXPECT_EQ(a.recorded.trusted, b.recorded.trusted);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(hex(a.data), hex(b.data));
}

// The example's 13 fields, each to be replaced by a broken one.
std::vector<std::string> fields() {
  return {bytes("01"),
          bytes("a7") + "plant-7",
          bytes("b0") + "0f3a5c7e91b2d4f6",
          bytes("a5") + "alarm",
          bytes("2a"),
          bytes("a4") + "pump",
          bytes("a137"),
          bytes("03"),
          bytes("c0"),
          bytes("9401c410") + std::string(16, 'b') + bytes("02c3"),
          bytes("c410") + std::string(16, 'i'),
          bytes("a3") + "Hot",
          bytes("80")};
}

std::string body_of(const std::vector<std::string>& parts) {
  std::string body(1, '\x9d');
  for (const auto& part : parts) body += part;
  return body;
}

TEST(EventCodec, ReadsBackWhatItWrote) {
  const auto event = test::example_event();
  const std::string body = encode_event(event);
  const auto back = decode_event(body);
  ASSERT_TRUE(back) << back.error().message;
  expect_equal(*back, event);
  EXPECT_EQ(encode_event(*back), body);
}

TEST(EventCodec, HoldsTheExtremesOfEveryField) {
  core::EventView event = test::example_event();
  const std::string gateway(32, 'z');
  const std::string category(64, 'c');
  const std::string entity(128, 'e');
  const std::string type(64, 't');
  event.gateway = gateway;
  event.category = category;
  event.entity = entity;
  event.type = type;
  event.data = "\xc0";
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128},
                                     std::uint64_t{65'535}, std::uint64_t{1} << 32, UINT64_MAX}) {
    event.seq = event.version = event.recorded.monotonic_ns = event.epoch.value = number;
    for (const std::int64_t time : {INT64_MIN, std::int64_t{-32'769}, std::int64_t{-33},
                                    std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
      event.occurred_at_ns = event.recorded.wall_ns = time;
      const std::string body = encode_event(event);
      const auto back = decode_event(body);
      ASSERT_TRUE(back) << back.error().message;
      expect_equal(*back, event);
    }
  }
  event.occurred_at_ns.reset();
  const std::string body = encode_event(event);
  EXPECT_FALSE(decode_event(body)->occurred_at_ns);
}

TEST(EventCodec, NamesTheFieldThatDoesNotFit) {
  ASSERT_TRUE(decode_event(body_of(fields())));
  const std::string long_name = bytes("d981") + std::string(129, 'n');
  const struct {
    std::size_t field;
    std::vector<std::string> broken;
  } cases[] = {
      {0, {"c0", "a131", "ff"}},
      {1, {"c0", "05", "a0", "a141", "a3612e62"}},
      {2,
       {"c0", "cf0f3a5c7e91b2d4f6", "a130", "b030303030303030303030303030303030",
        "b030463341354337453931423244344636"}},
      {3, {"c0", "00", "a3666f6f"}},
      {4, {"00", "ff", "c0", "a132", "cb3ff0000000000000"}},
      {5, {"c0", "a0", "a3612f62", "a10a", "a1ff", hex(long_name)}},
      {6, {"c0", "a0", "a10a", "a1ff", hex(long_name)}},
      {7, {"c0", "ff", "a133", "00"}},
      {8, {"a0", "c3", "cb3ff0000000000000", "cfffffffffffffffff"}},
      {9,
       {"c0", "90", "93c0c0c0", "9401c40f" + std::string(30, '0') + "02c3",
        "94c0c410" + std::string(32, '0') + "02c3", "9401c410" + std::string(32, '0') + "ffc3",
        "9401c410" + std::string(32, '0') + "0201"}},
      {10, {"c0", "b0" + std::string(32, '0'), "c40f" + std::string(30, '0')}},
      {11, {"c0", "a0", "a10a", "a1ff", hex(long_name)}},
      {12, {"", "c1", "81c0c0", "d40001", "cb7ff8000000000000", "c0c0"}}};
  for (const auto& [field, broken] : cases) {
    for (const std::string& part : broken) {
      auto parts = fields();
      parts[field] = bytes(part);
      const std::string body = body_of(parts);
      const auto event = decode_event(body);
      ASSERT_FALSE(event) << "field " << field << " as " << part;
      EXPECT_EQ(event.error().code, Errc::kCorrupt);
      EXPECT_NE(event.error().message.find("field " + std::to_string(field)), std::string::npos)
          << event.error().message;
    }
  }
}

TEST(EventCodec, RefusesEveryCut) {
  const std::string body = body_of(fields());
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(decode_event(std::string_view(body).substr(0, size))) << size;
}

TEST(EventCodec, SaysThatAFormatIsNewer) {
  auto parts = fields();
  parts[0] = bytes("02");
  EXPECT_EQ(decode_event(body_of(parts)).error().code, Errc::kUnsupported);
  EXPECT_EQ(decode_trusted(body_of(parts)).error().code, Errc::kUnsupported);
}

TEST(EventCodec, RefusesAnArrayOfAnotherLength) {
  for (const char* head : {"9c", "9e", "dc000d", "8d", "c0"}) {
    std::string body = bytes(head);
    for (const auto& part : fields()) body += part;
    EXPECT_FALSE(decode_event(body)) << head;
  }
}

// Version 0 belongs to gap records, and to nothing else.
TEST(EventCodec, GivesVersionZeroToGapRecordsOnly) {
  auto parts = fields();
  parts[5] = bytes("a6") + "sluice";
  parts[6] = bytes("a5") + "alarm";
  parts[11] = bytes("a3") + "Gap";
  parts[12] = encode_gap({57, core::GapReason::kQuota, {}, {}});
  EXPECT_FALSE(decode_event(body_of(parts)));
  parts[7] = bytes("00");
  EXPECT_TRUE(decode_event(body_of(parts)));
  parts[11] = bytes("a3") + "Hot";
  EXPECT_FALSE(decode_event(body_of(parts)));
}

TEST(EventCodec, TrustedReadingSkipsOnlyTheData) {
  auto parts = fields();
  parts[12] = bytes("c1");
  EXPECT_TRUE(decode_trusted(body_of(parts)));
  parts[4] = bytes("00");
  EXPECT_FALSE(decode_trusted(body_of(parts)));
}

TEST(EventCodec, NeverReadsOutsideRandomlyDamagedBodies) {
  core::SeededRandom random(9);
  const std::string good = encode_event(test::example_event());
  std::size_t refused = 0;
  for (int run = 0; run < 50'000; ++run) {
    std::string body = good;
    for (std::uint64_t i = 0; i <= random.below(3); ++i)
      body[random.below(body.size())] = static_cast<char>(random.next());
    if (random.below(4) == 0) body.resize(random.below(body.size() + 1));
    const std::string copy(body);  // its own allocation: a read past the end is seen by ASan
    if (!decode_event(copy)) ++refused;
  }
  EXPECT_GT(refused, 10'000u);
}

TEST(EpochOpened, IsReadBackAsItWasWritten) {
  core::ChainHash chain{};
  chain.fill(0xab);
  for (const core::EpochOpened& content : {core::EpochOpened{core::Epoch{5}, 41, chain, "start"},
                                           core::EpochOpened{core::Epoch{}, 0, {}, "created"}}) {
    const auto back = decode_epoch_opened(encode_epoch_opened(content));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->previous, content.previous);
    EXPECT_EQ(back->last_seq, content.last_seq);
    EXPECT_EQ(back->chain, content.chain);
    EXPECT_EQ(back->reason, content.reason);
  }
}

TEST(EpochOpened, RefusesOtherShapes) {
  for (const char* bad : {"", "c0", "93c000c0", "94c000c0", "940000c0a0", "94c0ffc0a0",
                          "94c000c40100a0", "94c000c0c0", "94a13000c0a0", "94c000c0a0c0"})
    EXPECT_FALSE(decode_epoch_opened(bytes(bad))) << bad;
}

TEST(Gap, IsReadBackAsItWasWritten) {
  core::ChainHash chain{};
  chain.fill(0xcd);
  const core::Gap plain{57, core::GapReason::kOversize, chain, {}};
  const core::Gap whole{
      9, core::GapReason::kTrimmed, {}, core::EpochOpened{core::Epoch{5}, 4, chain, "start"}};
  for (const core::Gap& content : {plain, whole}) {
    const auto back = decode_gap(encode_gap(content));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->to, content.to);
    EXPECT_EQ(back->reason, content.reason);
    EXPECT_EQ(back->chain, content.chain);
    ASSERT_EQ(back->opened.has_value(), content.opened.has_value());
    if (content.opened) {
      EXPECT_EQ(back->opened->last_seq, content.opened->last_seq);
    }
  }
}

TEST(Gap, RefusesOtherShapesAndWords) {
  for (const char* bad :
       {"", "c0", "9309a47175 6f7461c0", "9409a3666f6fc0c0", "94ffa571756f7461c0c0",
        "9409a571756f7461c0", "9409a571756f7461c0c0c0", "9409a571756f7461c00a"})
    EXPECT_FALSE(decode_gap(bytes(bad))) << bad;
  EXPECT_TRUE(decode_gap(bytes("9409a571756f7461c0c0")));
}

}  // namespace
}  // namespace sluice::codec
