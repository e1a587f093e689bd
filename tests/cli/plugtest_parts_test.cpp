// SPDX-License-Identifier: Apache-2.0
// The record of a plugtest, and what is concluded from it.
#include <gtest/gtest.h>

#include <fstream>

#include "cli/plugtest_collect.hpp"
#include "cli/plugtest_verdict.hpp"
#include "core/random.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::cli {
namespace {

const core::Epoch kEpoch{0x1234};

struct Tried {
  Round round{"9f31c2d4", "plugtest/9f31c2d4", "plant-7", {}};
  std::vector<Kept> kept;
};

Tried tried(std::uint64_t count) {
  Tried out;
  core::SeededRandom random(7);
  core::UuidV7 ids(random);
  for (std::uint64_t n = 1; n <= count; ++n) {
    const core::Uuid id = ids.next(1'790'000'000'000'000'000);
    out.round.notes.push_back({out.round.name, n, id, core::Lane::kTelemetry, kEpoch, n + 1});
    out.kept.push_back({id, n, kEpoch, n + 1});
  }
  return out;
}

TEST(PlugtestRecord, LinesReadBackAsTheyWereWritten) {
  const Tried all = tried(3);
  std::string text = round_line(all.round);
  for (const Note& note : all.round.notes) text += note_line(note);
  const auto record = PlugtestRecord::parse(text + "{\"round\":\"9f31c2d4\",\"n\":4,\"i");
  ASSERT_TRUE(record) << record.error().message;
  ASSERT_EQ(record->rounds().size(), 1u);
  EXPECT_EQ(record->rounds()[0].gateway, "plant-7");
  ASSERT_EQ(record->rounds()[0].notes.size(), 3u);
  EXPECT_EQ(record->rounds()[0].notes[2].id, all.round.notes[2].id);
  EXPECT_EQ(record->rounds()[0].notes[2].seq, 4u);
}

TEST(PlugtestRecord, WhatIsNoRecordIsRefused) {
  const Tried all = tried(2);
  const std::string head = round_line(all.round);
  for (const std::string& text :
       {std::string("hello\n"), note_line(all.round.notes[0]), head + head,
        head + note_line(all.round.notes[1]) + note_line(all.round.notes[0]),
        head + "{\"round\":\"9f31c2d4\",\"n\":1}\n", std::string("[]\n")})
    EXPECT_FALSE(PlugtestRecord::parse(text)) << text;
}

TEST(PlugtestRecord, ATornLineIsCutOffAndTheFileGoesOn) {
  const test::TempDir scratch;
  const Tried all = tried(2);
  const auto path = scratch.write(
      "record", round_line(all.round) + note_line(all.round.notes[0]) + "{\"round\": \"9f3");
  auto file = RecordFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  std::string line = note_line(all.round.notes[1]);
  line.pop_back();
  ASSERT_TRUE(file->append({line}));
  EXPECT_FALSE(file->append({"nonsense"}));
  const auto again = RecordFile::open(path);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->record().rounds()[0].notes.size(), 2u);
}

TEST(PlugtestVerdict, AWholeLogPassesAfterACut) {
  const Tried all = tried(5);
  const auto verdict = judge_round(all.round, all.kept, Ending::kReboot);
  EXPECT_TRUE(verdict.good());
  EXPECT_EQ(verdict.noted, 5u);
  EXPECT_TRUE(passed({verdict}, nullptr));
  EXPECT_NE(conclusion({verdict}, nullptr).find("survived 1 cut"), std::string::npos);
}

TEST(PlugtestVerdict, EventsThatWereNeverAnsweredMayBeThere) {
  Tried all = tried(5);
  all.round.notes.pop_back();
  EXPECT_TRUE(judge_round(all.round, all.kept, Ending::kReboot).good());
}

TEST(PlugtestVerdict, ALostADoubledAndAMisplacedEventAreCounted) {
  Tried all = tried(6);
  auto lost = all.kept;
  lost.erase(lost.begin() + 3, lost.begin() + 5);
  const auto verdict = judge_round(all.round, lost, Ending::kReboot);
  EXPECT_EQ(verdict.lost, 2u);
  EXPECT_EQ(verdict.first_lost, 4u);
  EXPECT_FALSE(passed({verdict}, nullptr));

  auto doubled = all.kept;
  doubled.push_back(doubled[0]);
  doubled.back().id.bytes[0] ^= 1;  // the same number under another id
  EXPECT_EQ(judge_round(all.round, doubled, Ending::kReboot).doubled, 1u);

  auto swapped = all.kept;
  std::swap(swapped[1], swapped[2]);
  EXPECT_EQ(judge_round(all.round, swapped, Ending::kReboot).out_of_order, 1u);
  auto moved = all.kept;
  moved[5].seq += 7;
  EXPECT_EQ(judge_round(all.round, moved, Ending::kReboot).out_of_order, 1u);
}

TEST(PlugtestVerdict, WithoutACutNothingWasTested) {
  const Tried all = tried(5);
  const auto verdict = judge_round(all.round, all.kept, Ending::kNone);
  EXPECT_FALSE(passed({verdict}, nullptr));
  EXPECT_NE(conclusion({verdict}, nullptr).find("Nothing was tested"), std::string::npos);
  const auto restarted = judge_round(all.round, all.kept, Ending::kRestart);
  EXPECT_NE(conclusion({restarted}, nullptr).find("not a pulled plug"), std::string::npos);
}

TEST(PlugtestVerdict, TheHubMayHaveCopiesButNoSecondIdentity) {
  const Tried all = tried(4);
  auto at_hub = all.kept;
  at_hub.push_back(at_hub[1]);
  HubVerdict verdict = judge_hub(all.round, at_hub);
  EXPECT_EQ(verdict.copies, 1u);
  EXPECT_EQ(verdict.doubled + verdict.missing, 0u);
  const auto log = judge_round(all.round, all.kept, Ending::kReboot);
  EXPECT_TRUE(passed({log}, &verdict));

  at_hub.back().epoch = core::Epoch{99};
  at_hub.erase(at_hub.begin());
  verdict = judge_hub(all.round, at_hub);
  EXPECT_EQ(verdict.doubled, 1u);
  EXPECT_EQ(verdict.missing, 1u);
  EXPECT_FALSE(passed({log}, &verdict));
}

}  // namespace
}  // namespace sluice::cli
