// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/nth_call.hpp"

#include <cstring>

#include "tests/lab/replay/life.hpp"
#include "tests/lab/replay/sql_words.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint64_t kSegmentEvents = 9;
constexpr std::size_t kFindingsKept = 10;

}  // namespace

std::string Fault::words() const {
  return std::string(call_name(kind)) + " " + strerrorname_np(error) +
         (sticky ? " from there on" : " once");
}

void NthTally::add(const Verdict& verdict, const std::string& where) {
  acked += verdict.acked;
  lost += verdict.lost;
  doubled += verdict.doubled;
  out_of_order += verdict.out_of_order;
  reopened = reopened && verdict.reopened;
  if (!verdict.good() && findings.size() < kFindingsKept)
    findings.push_back(where + ": " + verdict.problems.front());
}

void NthCallLab::live_with(const std::function<int(const FileCall&)>& fault,
                           const std::string& where, NthTally& tally) {
  ++tally.runs;
  folder_.install({});
  seed_sqlite(7);
  Recorder recorder(folder_.path(), {});
  recorder.fault = fault;
  Ledger ledger;
  const auto settings = small_settings(kSegmentEvents);
  LaneDriver lane(folder_.path(), 12, settings, ledger, [&] { return recorder.size(); });
  lane.acks_may_lag = true;
  {
    BothHooks hooks(recorder, folder_);
    const HookedCalls hooked(hooks);
    Life life(lane, 99);
    life.live();
    tally.troubled += life.troubled() ? 1 : 0;
  }
  lane.drop();
  const std::deque<DiskOp> ops = recorder.take_ops();
  DiskModel disk;
  for (const DiskOp& op : ops) disk.apply(op);
  core::SeededRandom random(tally.runs);
  std::uint64_t choice = 0;
  const std::pair<const char*, Tree> images[] = {
      {"all", disk.all()}, {"none", disk.none()}, {"some", disk.some(random, choice)}};
  for (const auto& [name, tree] : images) {
    folder_.install(tree);
    const HookedCalls hooked(folder_);
    tally.add(check_lane(folder_.path(), ledger, ops.size(), {settings, tally.runs + 1000, false}),
              where + ", " + name + " of what was not synced");
  }
}

void NthCallLab::run(const Fault& fault, std::uint64_t from, std::uint64_t step, NthTally& tally) {
  for (std::uint64_t n = from;; n += step) {
    std::uint64_t seen = 0;
    live_with(
        [&](const FileCall& call) {
          if (call.kind != fault.kind) return 0;
          ++seen;
          const bool fails = fault.sticky ? seen >= n : seen == n;
          return fails ? fault.error : 0;
        },
        fault.words() + ", n = " + std::to_string(n), tally);
    if (seen < n) return;
  }
}

}  // namespace sluice::lab
