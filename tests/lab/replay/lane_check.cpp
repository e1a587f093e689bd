// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/lane_check.hpp"

#include <algorithm>
#include <iterator>

#include "storage/segment_file.hpp"
#include "tests/lab/replay/lane_driver.hpp"
#include "tests/lab/replay/lane_scan.hpp"

namespace sluice::lab {
namespace {

using core::Seq;

class Check {
 public:
  Check(const Ledger& ledger, std::size_t time, Verdict& verdict)
      : ledger_(ledger), time_(time), verdict_(verdict) {}

  void complain(const std::string& what) { verdict_.problems.push_back(what); }

  // The highest first seq that trimming may have left by now.
  Seq floor() const {
    Seq floor = 1;
    for (const Ledger::Mark& mark : ledger_.floors)
      if (mark.begun <= time_) floor = std::max(floor, mark.value);
    return floor;
  }

  void cursor(Seq found) {
    std::vector<Ledger::Mark> allowed(1);
    for (const Ledger::Mark& mark : ledger_.cursors) {
      if (mark.done <= time_) allowed.assign(1, mark);
      if (mark.begun <= time_ && mark.done > time_) allowed.push_back(mark);
    }
    const bool fits = std::any_of(allowed.begin(), allowed.end(), [&](const Ledger::Mark& mark) {
      return found == mark.value || (mark.or_below && found < mark.value);
    });
    if (!fits)
      complain("the acked cursor is " + std::to_string(found) + ", it was " +
               std::to_string(allowed.front().value));
  }

  // All that was ever asked for is asked for again, in the old order.
  void retry(LaneDriver& lane) {
    const Seq first = lane.state().first;
    if (first > floor())
      complain("the first retained seq is " + std::to_string(first) +
               ", trimming may take those "
               "below " +
               std::to_string(floor()));
    std::vector<const Ledger::Append*> asked;
    std::vector<storage::AppendRequest> requests;
    for (const Ledger::Append& append : ledger_.appends) {
      if (!append.begun_at(time_)) continue;
      if (append.acked_at(time_) && append.positions.front().seq < first) continue;
      asked.push_back(&append);
      requests.push_back(append.request);
    }
    const std::size_t mine = answers_.appends.size();
    const auto done = lane.commit(std::move(requests));
    if (!done) {
      verdict_.reopened = false;
      complain("the log stopped: " + core::to_string(done.error()));
    }
    for (std::size_t i = 0; i < asked.size(); ++i) compare(*asked[i], answers_.appends[mine + i]);
  }

  void compare(const Ledger::Append& before, const Ledger::Append& now) {
    const bool acked = before.acked_at(time_);
    const std::string id = before.request.events.front().id->text();
    if (now.answered == kNever) {
      if (acked) verdict_.lost += before.request.events.size();
      complain((acked ? "a retry of an acknowledged append is refused: id "
                      : "a retry of an append that was under way is refused: id ") +
               id);
      return;
    }
    for (std::size_t i = 0; i < now.positions.size(); ++i) {
      const storage::Appended& found = now.positions[i];
      if (before.positions.empty() || (!acked && !found.duplicate)) continue;
      const storage::Appended& given = before.positions[i];
      if (acked && !found.duplicate) {
        ++verdict_.lost;
        complain("acknowledged seq " + std::to_string(given.seq) + " is gone, id " + id);
      } else if (acked && (found.seq != given.seq || found.version != given.version ||
                           found.epoch != given.epoch)) {
        ++verdict_.out_of_order;
        complain("acknowledged seq " + std::to_string(given.seq) + " is now at " +
                 std::to_string(found.seq) + ", id " + id);
      }
    }
  }

  void append_new(LaneDriver& lane, std::uint64_t seed) {
    const Seq last = lane.state().last;
    std::vector<storage::AppendRequest> requests(2);
    requests[0].events = {make_event("pump/7", seed | (1ull << 62), 40)};
    requests[1].events = {make_event("pump/8", seed | (1ull << 61), 40),
                          make_event("pump/9", seed | (3ull << 61), 40)};
    const std::size_t mine = answers_.appends.size();
    const auto done = lane.commit(std::move(requests));
    for (std::size_t i = 0; i < 2; ++i) {
      const Ledger::Append& answer = answers_.appends[mine + i];
      if (answer.answered != kNever && !answer.positions.front().duplicate &&
          answer.positions.front().seq == last + 1 + i)
        continue;
      verdict_.reopened = false;
      complain("a new append is not taken" +
               (done ? std::string() : ": " + core::to_string(done.error())));
    }
  }

  void files(const std::filesystem::path& folder) {
    const LaneScan scan = scan_lane(folder);
    verdict_.problems.insert(verdict_.problems.end(), scan.problems.begin(), scan.problems.end());
    for (const Ledger::Aside& aside : ledger_.set_aside) {
      if (aside.done > time_ || aside.range.to < scan.first) continue;
      const auto found = scan.set_aside.find(aside.range.from);
      if (found == scan.set_aside.end() || found->second != aside.range.to)
        complain("seq " + std::to_string(aside.range.from) + " is no longer set aside");
    }
    // What was never acked by the hub and is gone, must be replaced.
    Seq known = 0;
    for (const Ledger::Mark& mark : ledger_.cursors)
      if (mark.begun <= time_ && mark.is_ack) known = std::max(known, mark.value);
    for (Seq seq = known + 1; seq < scan.first; ++seq) {
      const auto above = scan.set_aside.upper_bound(seq);
      if (above == scan.set_aside.begin() || std::prev(above)->second < seq)
        complain("seq " + std::to_string(seq) + " is gone and not set aside");
    }
    for (const auto& [id, seqs] : scan.seqs) {
      if (seqs.size() < 2) continue;
      ++verdict_.doubled;
      complain("id " + id.text() + " is there " + std::to_string(seqs.size()) + " times");
    }
    for (const Ledger::Append& append : ledger_.appends) {
      if (!append.acked_at(time_)) continue;
      for (const storage::Appended& given : append.positions) {
        if (given.seq < scan.first) continue;
        const auto found = scan.seqs.find(given.id);
        if (found == scan.seqs.end() || found->second.front() != given.seq)
          complain("the files do not have acknowledged seq " + std::to_string(given.seq));
      }
    }
  }

  Ledger answers_;

 private:
  const Ledger& ledger_;
  const std::size_t time_;
  Verdict& verdict_;
};

}  // namespace

Verdict check_lane(const std::filesystem::path& folder, const Ledger& ledger, std::size_t time,
                   const CheckOptions& options, Ledger* after,
                   const std::function<std::size_t()>& now) {
  Verdict verdict;
  verdict.acked = ledger.acked_events(time);
  Check check(ledger, time, verdict);
  LaneDriver lane(folder, options.seed * 2 + 1, options.settings, check.answers_, now);
  if (const auto opened = lane.open(); !opened) {
    verdict.reopened = false;
    verdict.lost = verdict.acked;
    check.complain("does not open: " + core::to_string(opened.error()));
    return verdict;
  }
  check.cursor(lane.state().acked);
  check.retry(lane);
  check.append_new(lane, options.seed);
  if (options.die)
    lane.drop();
  else
    lane.close();
  check.files(storage::lane_folder(folder, core::Lane::kTelemetry));
  if (after != nullptr) *after = std::move(check.answers_);
  return verdict;
}

}  // namespace sluice::lab
