// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sync/fork_evidence.hpp"

namespace sluice::sync {
namespace {

using core::Epoch;
using core::Lane;
using Kind = ForkEvidence::Kind;

constexpr Epoch kFirst{0x11}, kSecond{0x22}, kRunning{0x33}, kOther{0x99};

storage::EpochInfo epoch(Epoch name, core::Seq first, Epoch previous = {}, std::string machine = {},
                         std::string previous_machine = {}) {
  storage::EpochInfo info;
  info.epoch = name;
  info.first_seq = first;
  info.opened.previous = previous;
  info.opened.last_seq = first - 1;
  info.machine = std::move(machine);
  info.previous_machine = std::move(previous_machine);
  return info;
}

class ReportSays : public ::testing::Test {
 protected:
  std::optional<ForkEvidence> fork(Epoch reported, core::Seq telemetry_last) {
    codec::Report report;
    report.epoch = reported;
    report.lanes[core::index(Lane::kTelemetry)].last = telemetry_last;
    std::array<LaneView, core::kLaneCount> log;
    log[core::index(Lane::kTelemetry)] = {&history, last};
    return fork_in_report(report, log);
  }
  // kSecond had seqs 51 to 80; the running epoch has 81 to 90.
  History history{{epoch(kSecond, 51, kFirst), epoch(kRunning, 81, kSecond)}};
  core::Seq last = 90;
};

TEST_F(ReportSays, NothingAgainstALogThatHasAllOfIt) {
  EXPECT_FALSE(fork(kRunning, 90));
  EXPECT_FALSE(fork(kSecond, 80));
  EXPECT_FALSE(fork(kFirst, 50));
  // Trimmed long ago: nobody remembers its name, and it went no further than this log does.
  EXPECT_FALSE(fork(kOther, 40));
}

TEST_F(ReportSays, MoreOfAnEndedEpochIsALostTail) {
  const auto found = fork(kSecond, 85);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kLostTail);
  EXPECT_EQ(found->here, 80u);
  EXPECT_EQ(fork_kind(*found), "lost_tail");
  EXPECT_NE(fork_words(*found).find("up to seq 85, this log has it up to 80"), std::string::npos);
}

TEST_F(ReportSays, AnUnknownEpochThatRanFurtherIsAnOldCopy) {
  const auto found = fork(kOther, 200);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kOldCopy);
  EXPECT_EQ(found->here, 80u);
  EXPECT_NE(fork_to_do(*found).find("sluice bundle export"), std::string::npos);
}

TEST_F(ReportSays, MoreOfTheRunningEpochMeansThatTheLogWentBack) {
  const auto found = fork(kRunning, 91);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::kWentBack);
  EXPECT_EQ(fork_kind(*found), "snapshot");
}

TEST_F(ReportSays, NothingAgainstALogThatWasJustMade) {
  history = History({epoch(kRunning, 1)});
  last = 3;
  EXPECT_FALSE(fork(kOther, 200));
}

TEST(OpenedHere, AnotherMachinesEpochsAreAnothersToAnswerFor) {
  const History moved({epoch(kSecond, 51, kFirst, "board-1", "board-1"),
                       epoch(kRunning, 81, kSecond, "board-2", "board-1")});
  EXPECT_FALSE(moved.opened_here(kFirst));
  EXPECT_FALSE(moved.opened_here(kSecond));
  EXPECT_TRUE(moved.opened_here(kRunning));
  EXPECT_FALSE(moved.opened_here(kOther));
  // A log of an older program does not say who opened its epochs.
  const History upgraded({epoch(kSecond, 51, kFirst), epoch(kRunning, 81, kSecond, "board-1")});
  EXPECT_TRUE(upgraded.opened_here(kFirst));
  EXPECT_TRUE(upgraded.opened_here(kSecond));
}

}  // namespace
}  // namespace sluice::sync
