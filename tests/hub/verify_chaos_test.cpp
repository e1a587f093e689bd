// SPDX-License-Identifier: Apache-2.0
// A right model is never called wrong, and no lane of it is left out while the hub has its events:
// whatever order its events came in, over how many shards, wherever hub streams began, and whatever
// operators did. And what is wrong is found all the same.
#include <array>
#include <cstdlib>

#include "core/random.hpp"
#include "tests/hub/verify_fixture.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::hub {
namespace {

// Rows for each event, for each lane, for each gateway and for all. `pair` parks what comes before
// its machine is known, so that a retry can succeed.
constexpr const char* kChaos = R"(
model = "chaos"
version = 1
[where]
categories = ["machine", "door"]
types = ["Reading", "Gone", "Pair"]
[table.effect]
key = { gateway = "$gateway", epoch = "$epoch", lane = "$lane", seq = "$seq" }
columns = { n = { type = "int", default = 0 }, late = "bool" }
[[table.effect.on]]
type = "Reading"
inc = { n = 1 }
set = { late = "$late" }
[table.machine]
key = { gateway = "$gateway", machine = "$entity", lane = "$lane" }
columns = { n = { type = "int", default = 0 }, last = "int", low = "int", newest = "int" }
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
set = { last = ".k" }
min = { low = ".k" }
latest = { newest = ".k" }
[[table.machine.on]]
type = "Gone"
delete = true
[table.known]
key = { gateway = "$gateway", machine = "$entity" }
columns = { n = { type = "int", default = 0 }, last = "int" }
[[table.known.on]]
type = "Reading"
category = "machine"
inc = { n = 1 }
set = { last = ".k" }
[[table.known.on]]
type = "Gone"
category = "machine"
delete = true
[table.pair]
key = { gateway = "$gateway", machine = "$entity" }
columns = { n = { type = "int", default = 0 }, seen = "int" }
[[table.pair.on]]
type = "Pair"
category = "machine"
inc = { n = 1 }
set = { seen = { lookup = "known.last", missing = "park" } }
[table.gateway]
key = { gateway = "$gateway" }
columns = { n = { type = "int", default = 0 }, newest = "int" }
[[table.gateway.on]]
type = "Reading"
inc = { n = 1 }
latest = { newest = ".k" }
[table.total]
key = { type = "$type" }
shared = true
columns = { n = { type = "int", default = 0 }, newest = "int" }
[[table.total.on]]
type = "Reading"
inc = { n = 1 }
latest = { newest = ".k" }
)";

test::Message any_event(const test::LaneMaker& maker, core::Seq seq, core::Random& random) {
  test::Made made = maker.base(seq);
  made.category = made.lane == core::Lane::kAlarm ? "door" : "machine";  // of one lane for ever
  made.entity = "e" + std::to_string(random.below(4));
  made.wall_ns = static_cast<std::int64_t>(random.below(1000));
  const auto dice = random.below(30);
  made.type = dice == 0 ? "Gone" : dice < 4 ? "Pair" : dice < 7 ? "Unwanted" : "Reading";
  made.json = dice == 29 ? "{\"k\": \"text\"}" : "{\"k\": " + std::to_string(seq) + "}";
  return test::message(made);
}

// `SLUICE_VERIFY_SEEDS=100-2000` runs these.
std::pair<std::uint64_t, std::uint64_t> seeds() {
  const char* const wanted = std::getenv("SLUICE_VERIFY_SEEDS");
  if (wanted == nullptr) return {1, 16};
  char* end = nullptr;
  const std::uint64_t from = std::strtoull(wanted, &end, 10);
  return {from, *end == '-' ? std::strtoull(end + 1, nullptr, 10) : from};
}

class VerifyChaosTest : public VerifyTest {
 protected:
  std::vector<test::Feed> shards_;
  std::size_t lost_ = 0;  // messages that each hub stream had lost when the model began
  int verified_ = 0;
  int doubtful_ = 0;  // tables of which some rows may be right

  // What hub streams hold of two gateways: lanes whose epochs follow each other, and here and there
  // others that go on beside them. A lane is in one shard, or moved from one to another and was
  // sent there again from some way back.
  void make_wire(core::Random& random) {
    shards_.clear();
    for (const char* name : {"EVENTS-a", "EVENTS-b", "EVENTS-c"})
      if (shards_.empty() || random.below(3) != 0) shards_.emplace_back(name);
    std::vector<std::vector<std::vector<test::Message>>> sent(shards_.size());
    std::uint64_t salt = 0;
    const auto add = [&](const char* gateway, core::Lane lane, std::size_t events) {
      const auto history =
          test::lane_history(gateway, lane, salt += 1000, random, events, any_event);
      auto all = test::as_sent_thrice(history, random);
      if (random.below(8) == 0)
        for (test::Message& message : all) message.aside = true;
      const std::size_t from = random.below(shards_.size());
      const std::size_t to = random.below(shards_.size());
      const std::size_t moved = random.below(all.size() + 1);
      const std::size_t again = moved - random.below(std::min<std::size_t>(moved, 20) + 1);
      const auto at = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
      if (from == to) {
        sent[to].push_back(std::move(all));
        return;
      }
      sent[from].emplace_back(all.begin(), at(moved));
      sent[to].emplace_back(at(again), all.end());
    };
    for (const char* gateway : {"plant-7", "plant-8"})
      for (const core::Lane lane : {core::Lane::kTelemetry, core::Lane::kAlarm}) {
        add(gateway, lane, 60);
        if (random.below(4) == 0) add(gateway, lane, 20);
      }
    for (std::size_t i = 0; i < shards_.size(); ++i)
      test::merge(std::move(sent[i]), random, shards_[i]);
  }
  void read_on(core::Random& random) {
    for (int turn = 0; turn < 4; ++turn)
      for (const test::Feed& shard : shards_)
        for (std::uint64_t batches = random.below(6); batches > 0; --batches) {
          const auto done = shard.step(*engine_, 1 + random.below(30), lost_);
          if (!done) {
            ASSERT_TRUE(engine_->caught_up(shard.hub()));
            break;
          }
          ASSERT_TRUE(*done) << core::to_string(done->error());
        }
  }
  void operate(core::Random& random) {
    const auto holes = engine_->holes(100);
    ASSERT_TRUE(holes);
    for (std::uint64_t skips = random.below(3); skips > 0 && !holes->empty(); --skips) {
      const projection::Hole& hole = (*holes)[random.below(holes->size())];
      (void)engine_->skip({hole.gateway, hole.epoch, hole.lane}, "chaos");
    }
    for (std::uint64_t deeds = random.below(4); deeds > 0; --deeds) {
      const auto parked = engine_->parked_heads(100);
      ASSERT_TRUE(parked);
      if (parked->empty()) break;
      const projection::ParkedEvent& event = (*parked)[random.below(parked->size())];
      const core::Identity identity{event.gateway, event.epoch, event.lane, event.seq, 0};
      if (random.below(2) == 0)
        (void)engine_->skip_parked(identity, "chaos");
      else
        (void)engine_->retry_parked(identity);
    }
    if (random.below(8) == 0) {
      const auto& shard = shards_[random.below(shards_.size())];
      ASSERT_TRUE(engine_->reset_position(shard.hub().name));
    }
  }
  VerifyReport verified_shards() {
    for (const test::Feed& shard : shards_) source_.add(shard);
    return verified();
  }
  void expect_good() {
    const auto report = verified_shards();
    ++verified_;
    ASSERT_EQ(report.differences, 0u) << core::to_json(report_json(*model_, report));
    for (const std::string& words : report.unverifiable) {
      EXPECT_THAT(words, testing::HasSubstr("which may be right")) << words;
      ++doubtful_;
    }
  }
  // One value of one row, a row less, or a row more.
  void spoil(core::Random& random) {
    const auto& table = model_->tables()[random.below(model_->tables().size())];
    const std::size_t count = rows(table.name).size();
    if (count == 0) return;
    std::string key;
    for (const projection::Column& column : table.key)
      key += (key.empty() ? "" : ", ") + column.name;
    const std::string one = " WHERE (" + key + ") = (SELECT " + key + " FROM " + table.name +
                            " ORDER BY " + key + " LIMIT 1 OFFSET " +
                            std::to_string(random.below(count)) + ")";
    SCOPED_TRACE(table.name + one);
    if (random.below(3) == 0)
      tamper("DELETE FROM " + table.name + one);
    else
      tamper("UPDATE " + table.name + " SET n = n + 1" + one);
    const auto report = verified_shards();
    if (report.differences != 0) return;
    ASSERT_FALSE(report.unverifiable.empty());
    EXPECT_THAT(report.unverifiable,
                testing::Contains(testing::AllOf(testing::HasSubstr("table " + table.name),
                                                 testing::HasSubstr("which may be right"))));
  }
  void one_seed(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    settings_.held_items_max = std::array<std::uint64_t, 3>{3, 16, 1000}[random.below(3)];
    const bool is_available = random.below(3) == 0;
    lost_ = is_available ? random.below(60) : 0;
    open((is_available ? "history = \"available\"\n" : "") + std::string(kChaos));
    ASSERT_NE(engine_, nullptr);
    make_wire(random);
    source_.lose_first(lost_);
    for (const test::Feed& shard : shards_) ASSERT_TRUE(engine_->begin(shard.hub(), lost_ + 1));
    for (int part = 0; part < 6 && !HasFatalFailure(); ++part) {
      SCOPED_TRACE("part " + std::to_string(part));
      read_on(random);
      if (HasFatalFailure()) return;
      operate(random);
      if (HasFatalFailure()) return;
      expect_good();
    }
    if (HasFatalFailure()) return;
    spoil(random);
  }
};

TEST_F(VerifyChaosTest, ARightModelIsGoodAtEveryPointAndAWrongOneIsNot) {
  const auto [from, to] = seeds();
  for (std::uint64_t seed = from; seed <= to && !HasFatalFailure(); ++seed) {
    one_seed(seed);
  }
  RecordProperty("doubtful", doubtful_);
  EXPECT_LT(doubtful_, verified_ / 4 + 6);
}

// What the hub has lost since is told as that, and never as a difference.
TEST_F(VerifyChaosTest, WhatTheHubLostSinceIsLeftOutAndNeverCalledWrong) {
  int left_out = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    open(kChaos);
    make_wire(random);
    source_.lose_first(0);
    for (const test::Feed& shard : shards_) ASSERT_TRUE(engine_->begin(shard.hub(), 1));
    for (int part = 0; part < 4; ++part) {
      read_on(random);
      operate(random);
    }
    source_.lose_first(1 + random.below(60));
    const auto report = verified_shards();
    EXPECT_EQ(report.differences, 0u) << core::to_json(report_json(*model_, report));
    for (const std::string& words : report.unverifiable)
      if (words.find("no longer has") != std::string::npos) ++left_out;
  }
  EXPECT_GT(left_out, 3);  // else copies that came later are enough
}

}  // namespace
}  // namespace sluice::hub
