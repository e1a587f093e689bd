// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "cli/chain_audit.hpp"
#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"

namespace sluice::cli {
namespace {

using core::Epoch;
using core::Lane;

// A hub stream as a gateway fills it: bodies with their chain, and marks on lane system.
class HubStream {
 public:
  struct Stored {
    std::string subject, identity, body;
    std::uint64_t sequence = 0;
  };
  std::vector<Stored> messages;

  void open_epoch(Epoch epoch, Epoch previous, core::Seq last) {
    epoch_ = epoch;
    seq_ = last;
    core::EpochOpened content;
    content.previous = previous;
    content.last_seq = last;
    if (previous) content.chain = chain_;
    content.reason = "start";
    add("sluice", "telemetry", "EpochOpened", codec::encode_epoch_opened(content));
  }
  void events(int count) {
    for (int i = 0; i < count; ++i) add("pump", "7", "T", std::string("\x07", 1));
  }
  void mark() {
    const codec::ChainMark mark{epoch_, seq_, chain_};
    store(Lane::kSystem, ++system_seq_, "sluice", "lane/telemetry", "ChainMark",
          codec::encode_chain_mark(mark));
  }
  void gap(core::Seq to) { gap(seq_ + 1, to); }
  void gap(core::Seq from, core::Seq to) {
    core::Gap gap;
    gap.to = to;
    gap.reason = core::GapReason::kOversize;
    store(Lane::kTelemetry, from, "sluice", "telemetry", "Gap", codec::encode_gap(gap), to);
    seq_ = to;
  }
  core::ChainHash chain() const { return chain_; }
  void set_chain(const core::ChainHash& chain) { chain_ = chain; }
  core::Seq seq() const { return seq_; }
  Stored& at_seq(core::Seq seq) {
    for (Stored& one : messages)
      if (one.identity.ends_with(".telemetry." + std::to_string(seq))) return one;
    throw std::runtime_error("no such seq");
  }
  void remove(core::Seq seq) {
    const std::string identity = at_seq(seq).identity;
    std::erase_if(messages, [&](const Stored& one) { return one.identity == identity; });
  }
  void renumber() {
    std::uint64_t sequence = 0;
    for (Stored& one : messages) one.sequence = ++sequence;
  }

 private:
  void add(std::string_view category, std::string_view entity, std::string_view type,
           const std::string& data) {
    chain_ =
        core::chain_next(chain_, store(Lane::kTelemetry, ++seq_, category, entity, type, data));
  }
  std::string store(Lane lane, core::Seq seq, std::string_view category, std::string_view entity,
                    std::string_view type, const std::string& data, core::Seq to = 0) {
    core::EventView view;
    view.gateway = "plant-7";
    view.epoch = epoch_;
    view.lane = lane;
    view.seq = seq;
    view.category = category;
    view.entity = entity;
    view.version = to == 0 ? seq : 0;
    view.id = core::Uuid{{static_cast<std::uint8_t>(seq)}};
    view.type = type;
    view.data = data;
    std::string body;
    codec::encode_event(view, body);
    const core::EventSubject subject{"main", "plant-7", lane, std::string(category),
                                     std::string(type)};
    const core::Identity identity{"plant-7", epoch_, lane, seq, to};
    messages.push_back({subject.text(), identity.text(), body, messages.size() + 1});
    return body;
  }
  Epoch epoch_;
  core::Seq seq_ = 0;
  core::Seq system_seq_ = 0;
  core::ChainHash chain_{};
};

class Chain : public ::testing::Test {
 protected:
  Chain() {
    hub.open_epoch(Epoch{1}, {}, 0);
    hub.events(9);
    hub.mark();  // at seq 10
    hub.events(10);
    hub.open_epoch(Epoch{2}, Epoch{1}, 20);
    hub.events(9);
    hub.mark();  // at seq 30
  }
  void run() {
    hub.renumber();
    const auto each = [&](void (ChainAudit::*call)(const ChainAudit::Message&)) {
      for (const HubStream::Stored& one : hub.messages)
        (audit.*call)({one.subject, one.identity, one.body, one.sequence});
    };
    each(&ChainAudit::index);
    audit.end_index();
    each(&ChainAudit::check);
    audit.end();
  }
  const ChainAudit::Lane& telemetry() const { return audit.lane(Lane::kTelemetry); }
  std::vector<std::string> findings() const {
    std::vector<std::string> out;
    for (const auto& one : telemetry().findings)
      out.push_back(one.kind + " " + std::to_string(one.from) + "-" + std::to_string(one.to));
    return out;
  }
  using Words = std::vector<std::string>;

  HubStream hub;
  ChainAudit audit{"plant-7"};
};

TEST_F(Chain, OfAnUntouchedHubStreamAgrees) {
  run();
  EXPECT_TRUE(audit.agrees());
  EXPECT_EQ(findings(), Words{});
  EXPECT_EQ(telemetry().first, 1u);
  EXPECT_EQ(telemetry().last, 30u);
  EXPECT_EQ(telemetry().epochs, 2u);
  EXPECT_EQ(telemetry().totals.events, 30u);
  EXPECT_EQ(telemetry().totals.marks, 3u);  // two marks, and the hash in EpochOpened
  EXPECT_EQ(telemetry().totals.checked, 30u);
}

TEST_F(Chain, OneFlippedBitInOneBodyIsFound) {
  hub.at_seq(5).body.back() ^= 1;
  run();
  EXPECT_FALSE(audit.agrees());
  EXPECT_EQ(findings(), Words{"altered 1-10"});
}

TEST_F(Chain, AMissingEventIsAHole) {
  hub.remove(13);
  run();
  EXPECT_FALSE(audit.agrees());
  EXPECT_EQ(findings(), Words{"hole 13-13"});
}

TEST_F(Chain, AMissingEndIsAHoleThatTheMarksTell) {
  for (core::Seq seq = 26; seq <= 30; ++seq) hub.remove(seq);
  run();
  EXPECT_EQ(findings(), Words{"hole 26-30"});
}

TEST_F(Chain, AMissingEndOfAnOldEpochIsToldByItsFollower) {
  hub.remove(19);
  hub.remove(20);
  run();
  EXPECT_EQ(findings(), Words{"hole 19-20"});
}

TEST_F(Chain, ARepairedHoleAndCopiesAreNoFailure) {
  const auto late = hub.at_seq(4);
  hub.remove(4);
  hub.messages.push_back(late);
  hub.messages.push_back(hub.at_seq(12));
  hub.messages.push_back(hub.at_seq(12));
  run();
  EXPECT_TRUE(audit.agrees());
  EXPECT_EQ(telemetry().copies, 2u);
  EXPECT_EQ(telemetry().totals.checked, 30u);
}

TEST_F(Chain, ASecondCopyWithOtherBytesIsAltered) {
  auto copy = hub.at_seq(12);
  copy.body.back() ^= 1;
  hub.messages.push_back(copy);
  run();
  EXPECT_EQ(findings(), Words{"altered 12-12"});
}

TEST_F(Chain, AGapRecordStandsForItsRangeAndCheckingBeginsAnewBehindIt) {
  hub.gap(35);
  hub.events(5);
  hub.mark();
  run();
  EXPECT_TRUE(audit.agrees()) << findings().front();
  EXPECT_EQ(telemetry().totals.gaps, 5u);
  EXPECT_EQ(telemetry().last, 40u);
}

TEST_F(Chain, WhatWasStoredBeforeAGapRecordTookItsRangeIsNotLate) {
  hub.events(2);  // seqs 31 and 32: stored, but their acks were lost before a quota took them
  hub.gap(31, 35);
  run();
  EXPECT_TRUE(audit.agrees());
  EXPECT_EQ(findings(), Words{});
}

TEST_F(Chain, WhatIsStoredAfterAGapRecordTookItsRangeIsLate) {
  hub.events(2);
  hub.gap(31, 35);
  std::swap(hub.messages.back(), *(hub.messages.end() - 2));
  run();
  EXPECT_TRUE(audit.agrees());
  EXPECT_EQ(findings(), Words{"late 32-32"});
}

TEST_F(Chain, ALostTailAndAnOldCopyAreToldButNoFailure) {
  hub.open_epoch(Epoch{3}, Epoch{2}, 28);  // two events of epoch 2 were gone
  hub.events(2);
  hub.open_epoch(Epoch{4}, Epoch{2}, 30);  // and then the state of epoch 2 came back
  hub.events(2);
  run();
  Words forked;
  for (const auto& one : telemetry().findings) forked.push_back(one.kind);
  EXPECT_EQ(forked, (Words{"forked", "forked"}));
  EXPECT_NE(telemetry().findings[0].words.find("the log's tail was lost"), std::string::npos);
  EXPECT_NE(telemetry().findings[1].words.find("an old copy or a clone"), std::string::npos);
  EXPECT_TRUE(audit.agrees());
}

TEST_F(Chain, AMessageUnderAFalseNameIsForeign) {
  auto other = hub.at_seq(7);
  other.identity = "plant-8" + other.identity.substr(7);
  hub.messages.push_back(other);
  auto moved = hub.at_seq(8);
  moved.identity.replace(moved.identity.rfind('.'), std::string::npos, ".31");
  hub.messages.push_back(moved);  // its body says seq 8
  run();
  EXPECT_FALSE(audit.agrees());
  EXPECT_EQ(audit.foreign_count(), 1u);
  EXPECT_EQ(findings(), Words{"altered 31-31"});
}

}  // namespace
}  // namespace sluice::cli
