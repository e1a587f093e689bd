// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/lab/replay/nth_call.hpp"
#include "tests/lab/replay/whole_log.hpp"
#include "tests/support/lab_report.hpp"

// The log with its threads: what the lane by itself cannot show.
namespace sluice::lab {
namespace {

struct WholeRun {
  std::deque<DiskOp> ops;
  Ledger ledger;
  std::string hang;
};

WholeRun run_whole(ImageFolder& folder, const storage::LogSettings& settings, std::size_t requests,
                   const std::function<int(const FileCall&)>& fault) {
  WholeRun run;
  folder.install({});
  Recorder recorder(folder.path(), {});
  recorder.fault = fault;
  const auto asked = whole_requests(5, requests);
  for (const storage::AppendRequest& request : asked)
    run.ledger.appends.push_back({request, 0, kNever, {}});
  {
    BothHooks hooks(recorder, folder);
    const HookedCalls hooked(hooks);
    WholeLog log(folder.path(), 77, settings);
    live_whole(
        log, asked,
        [&](std::size_t at, const std::vector<storage::Appended>& positions) {
          run.ledger.appends[at].answered = recorder.size();
          run.ledger.appends[at].positions = positions;
        },
        run.hang);
    log.stop();
  }
  run.ops = recorder.take_ops();
  return run;
}

std::string words(const NthTally& tally) {
  std::string all;
  for (const std::string& finding : tally.findings) all += "\n  " + finding;
  return all;
}

// From the empty card on: folders, lock, the first segments of all lanes, a second start.
TEST(WholeLog, APowerCutInTheFirstStartLeavesNothingHalfMade) {
  ImageFolder folder;
  const auto settings = small_settings(1000);
  const WholeRun run = run_whole(folder, settings, 6, nullptr);
  ASSERT_TRUE(run.hang.empty()) << run.hang;
  NthTally tally;
  DiskModel disk;
  core::SeededRandom random(3);
  for (std::size_t time = 0; time <= run.ops.size(); ++time) {
    if (time > 0) disk.apply(run.ops[time - 1]);
    std::uint64_t choice = 0;
    for (const auto& tree : {disk.none(), disk.all(), disk.some(random, choice)}) {
      ++tally.runs;
      folder.install(tree);
      const HookedCalls hooked(folder);
      tally.add(check_whole(folder.path(), run.ledger, time, {settings, tally.runs + 100, false}),
                "cut at operation " + std::to_string(time));
    }
  }
  EXPECT_TRUE(tally.findings.empty()) << words(tally);
  test::lab_report({"power cut, first start of the whole log", tally.runs, tally.acked, tally.lost,
                    tally.doubled, tally.out_of_order, tally.reopened});
}

// Whatever fails, every append is answered, and what was answered with success is there.
TEST(WholeLog, AnyCallMayFailAndEveryAppendIsAnswered) {
  ImageFolder folder;
  const auto settings = small_settings(6);
  NthTally tally;
  for (const CallKind kind : {CallKind::kWrite, CallKind::kSync, CallKind::kOpen,
                              CallKind::kTruncate, CallKind::kUnlink, CallKind::kRename}) {
    for (const bool sticky : {false, true}) {
      // The first calls one by one, later ones in widening steps.
      for (std::uint64_t n = 1;; n += 1 + n / 12) {
        std::atomic<std::uint64_t> seen{0};
        const WholeRun run = run_whole(folder, settings, 12, [&](const FileCall& call) {
          if (call.kind != kind) return 0;
          const std::uint64_t now = ++seen;
          return (sticky ? now >= n : now == n) ? EIO : 0;
        });
        const std::string where = Fault{kind, EIO, sticky}.words() + ", n = " + std::to_string(n);
        ++tally.runs;
        if (!run.hang.empty()) tally.findings.push_back(where + ": " + run.hang);
        DiskModel disk;
        for (const DiskOp& op : run.ops) disk.apply(op);
        for (const Tree& tree : {disk.none(), disk.all()}) {
          folder.install(tree);
          const HookedCalls hooked(folder);
          tally.add(check_whole(folder.path(), run.ledger, run.ops.size(),
                                {settings, tally.runs + 100, false}),
                    where);
        }
        if (seen < n || tally.findings.size() > 5) break;
      }
    }
  }
  EXPECT_TRUE(tally.findings.empty()) << words(tally);
  test::lab_report({"n-th call fails: whole log", tally.runs, tally.acked, tally.lost,
                    tally.doubled, tally.out_of_order, tally.reopened});
}

}  // namespace
}  // namespace sluice::lab
