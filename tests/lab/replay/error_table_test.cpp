// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/lab/replay/image_folder.hpp"
#include "tests/lab/replay/lane_check.hpp"
#include "tests/lab/replay/lane_driver.hpp"
#include "tests/lab/replay/recorder.hpp"
#include "tests/support/lab_report.hpp"

// What the log makes of each error that the file system can give at a commit.
namespace sluice::lab {
namespace {

using core::Errc;

class ErrorTable : public ::testing::Test {
 protected:
  ErrorTable() : recorder_(folder_.path(), {}), hooks_(recorder_, folder_), hooked_(hooks_) {
    EXPECT_TRUE(lane_.open());
  }

  storage::AppendRequest event(std::uint64_t number) const {
    storage::AppendRequest request;
    request.events.push_back(make_event("pump/7", number, 60));
    return request;
  }
  // Fails the next `times` calls of a kind.
  void fail(CallKind kind, int error, std::uint64_t times) {
    left_ = times;
    recorder_.fault = [this, kind, error](const FileCall& call) {
      return call.kind == kind && left_ > 0 && left_-- > 0 ? error : 0;
    };
  }
  void heal() { recorder_.fault = nullptr; }

  const Ledger::Append& last_answer() const { return ledger_.appends.back(); }
  bool acked() const { return last_answer().answered != kNever; }

  // The power is cut here; `all`: what was not synced is there as well.
  Verdict cut(bool all) {
    lane_.drop();
    const std::size_t time = recorder_.size();
    set_call_hook(nullptr);
    const auto ops = recorder_.take_ops();
    DiskModel disk;
    for (const DiskOp& op : ops) disk.apply(op);
    folder_.install(all ? disk.all() : disk.none());
    set_call_hook(&folder_);
    Verdict verdict = check_lane(folder_.path(), ledger_, time, {settings_, 5, false}, &answers_);
    for (const std::string& problem : verdict.problems) ADD_FAILURE() << problem;
    return verdict;
  }

  std::uint64_t left_ = 0;  // calls that are still to fail
  const storage::LogSettings settings_ = small_settings(100);
  ImageFolder folder_;
  Recorder recorder_;
  BothHooks hooks_;
  HookedCalls hooked_;
  Ledger ledger_;
  Ledger answers_;  // to the retries after cut()
  LaneDriver lane_{folder_.path(), 3, settings_, ledger_, [this] { return recorder_.size(); }};
};

TEST_F(ErrorTable, AFullDiskAtTheCommitRefusesAnswersRetriesAndHealsBySpace) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  fail(CallKind::kWrite, ENOSPC, UINT64_MAX);
  ASSERT_TRUE(lane_.commit({event(2)}));  // the log goes on
  ASSERT_EQ(lane_.refusals.size(), 1u);
  EXPECT_EQ(lane_.refusals[0].code, Errc::kLimit);
  ASSERT_TRUE(lane_.commit({event(1)}));  // reads go on
  EXPECT_TRUE(acked() && last_answer().positions[0].duplicate);
  heal();
  ASSERT_TRUE(lane_.commit({event(2)}));
  ASSERT_TRUE(acked());
  EXPECT_EQ(last_answer().positions[0].seq, 3u);  // after EpochOpened and the first
  cut(false);
}

TEST_F(ErrorTable, AFailedWriteAtTheCommitIsRepeatedOnceElsewhere) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  fail(CallKind::kWrite, EIO, 1);
  ASSERT_TRUE(lane_.commit({event(2)}));
  EXPECT_TRUE(acked());
  EXPECT_EQ(lane_.state().segments, 2u);
  cut(false);
}

TEST_F(ErrorTable, ASecondFailedWriteStopsTheLogAndNothingWasPromised) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  fail(CallKind::kWrite, EIO, UINT64_MAX);
  EXPECT_FALSE(lane_.commit({event(2)}));
  EXPECT_FALSE(acked());
  EXPECT_EQ(lane_.refusals.at(0).code, Errc::kIo);  // outcome unknown: retry with the same id
  heal();
  cut(false);
}

TEST_F(ErrorTable, ARowWhoseSyncFailedMayComeBackAndIsThenADuplicate) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  fail(CallKind::kSync, EIO, UINT64_MAX);
  EXPECT_FALSE(lane_.commit({event(2)}));
  EXPECT_FALSE(acked());
  heal();
  cut(true);
  // The second of the retries is that of the event that nobody was promised.
  ASSERT_GE(answers_.appends.size(), 2u);
  EXPECT_TRUE(answers_.appends[1].positions.at(0).duplicate);
}

TEST_F(ErrorTable, ARowWhoseSyncFailedMayBeGoneAndIsThenTakenAnew) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  fail(CallKind::kSync, EIO, UINT64_MAX);
  EXPECT_FALSE(lane_.commit({event(2)}));
  heal();
  cut(false);
  ASSERT_GE(answers_.appends.size(), 2u);
  EXPECT_FALSE(answers_.appends[1].positions.at(0).duplicate);
}

TEST_F(ErrorTable, AFileSystemThatTurnsReadOnlyTakesNothingAndLosesNothing) {
  ASSERT_TRUE(lane_.commit({event(1)}));
  recorder_.fault = [](const FileCall& call) { return call.kind == CallKind::kOpen ? 0 : EROFS; };
  EXPECT_FALSE(lane_.commit({event(2)}));
  EXPECT_FALSE(acked());
  heal();
  cut(false);
}

}  // namespace
}  // namespace sluice::lab
