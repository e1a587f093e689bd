// SPDX-License-Identifier: Apache-2.0
#include "hub/tail/tail_ring.hpp"

#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/json.hpp"

namespace sluice::hub {
namespace {

TailEvent event(const std::string& gateway, const std::string& type,
                const std::string& data = "{}") {
  const auto bytes = codec::json_to_data(data);
  EXPECT_TRUE(bytes);
  core::EventView view;
  view.gateway = gateway;
  view.epoch = core::Epoch{0xaa};
  view.seq = 7;
  view.category = "pump";
  view.entity = "<b>1</b>";
  view.version = 1;
  view.id = *core::Uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  view.type = type;
  view.data = *bytes;
  TailEvent out;
  out.shard = "main";
  out.hub_seq = 12;
  out.identity = gateway + ".00000000000000aa.telemetry.7";
  out.body = codec::encode_event(view);
  return out;
}

TEST(TailRing, EachReaderGetsWhatCameSinceItLooked) {
  TailRing ring;
  ring.push(event("a", "Hot"));
  const std::uint64_t from = ring.newest();
  ring.push(event("b", "Hot"));
  const auto batch = ring.after(from, {}, 10);
  ASSERT_EQ(batch.events.size(), 1u);
  EXPECT_EQ(batch.events[0]->identity.substr(0, 2), "b.");
  EXPECT_EQ(batch.dropped, 0u);
  EXPECT_TRUE(ring.after(batch.next, {}, 10).events.empty());
}

TEST(TailRing, WhatIsLeftOutIsANumber) {
  TailRing ring;
  for (std::size_t i = 0; i < TailRing::kEventsMax + 5; ++i) ring.push(event("a", "Hot"));
  ring.left_out(100);
  const auto batch = ring.after(0, {}, 10);
  EXPECT_EQ(batch.events.size(), 10u);
  EXPECT_EQ(batch.dropped, TailRing::kEventsMax + 5 - 10 + 100);
  EXPECT_EQ(batch.events.back()->number, TailRing::kEventsMax + 5) << "the newest are sent";
}

TEST(TailRing, LargeEventsAreBoundedByTheirBytes) {
  TailRing ring;
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  for (int i = 0; i < 100; ++i) ring.push(event("a", "Hot", large));
  EXPECT_LE(ring.after(0, {}, 100).events.size(), TailRing::kBytesMax / 200'000);
}

TEST(TailRing, TheFilterLooksIntoGatewayCategoryTypeAndText) {
  const TailEvent hot = event("a", "Hot", R"({"note":"Pump ROOM"})");
  EXPECT_TRUE(tail_wants({"a", "pump", "Hot", ""}, hot));
  EXPECT_FALSE(tail_wants({"b", "", "", ""}, hot));
  EXPECT_FALSE(tail_wants({"", "valve", "", ""}, hot));
  EXPECT_FALSE(tail_wants({"", "", "Cold", ""}, hot));
  EXPECT_TRUE(tail_wants({"", "", "", "room"}, hot));
  EXPECT_TRUE(tail_wants({"", "", "", "<B>"}, hot)) << "the stream's name";
  EXPECT_FALSE(tail_wants({"", "", "", "cellar"}, hot));
}

TEST(TailRing, AnEventIsOneJsonDocumentAndLargeDataIsNotInIt) {
  const auto whole = core::parse_json(tail_json(event("a", "Hot", "{\"v\":1}"), 1000));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->as_object().at("identity"), "a.00000000000000aa.telemetry.7");
  EXPECT_EQ(whole->as_object().at("data").as_object().at("v"), 1);
  EXPECT_EQ(whole->as_object().at("hub_seq"), 12);
  const auto cut =
      core::parse_json(tail_json(event("a", "Hot", "\"" + std::string(5000, 'x') + "\""), 1000));
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->as_object().at("data").is_null());
  EXPECT_GT(cut->as_object().at("data_bytes").to_number<std::int64_t>(), 5000);
}

}  // namespace
}  // namespace sluice::hub
