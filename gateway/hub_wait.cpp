// SPDX-License-Identifier: Apache-2.0
#include "gateway/hub_wait.hpp"

#include <algorithm>
#include <utility>

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;

core::Error not_yet() {
  return fail(Errc::kUnavailable,
              "stored, the hub has not confirmed it yet: send it again with the same id");
}

bool overlaps(const std::map<core::Seq, core::Seq>& ranges, core::Seq from, core::Seq to) {
  const auto after = ranges.upper_bound(to);
  return after != ranges.begin() && std::prev(after)->second >= from;
}

}  // namespace

core::Result<void> HubWait::verdict(const LaneWait& lane, core::Seq from, core::Seq to) const {
  if (!overlaps(lane.aside, from, to)) return {};
  return fail(Errc::kTooLarge,
              "stored here, but the hub can never take it: a gap record stands in its place");
}

void HubWait::add(core::Lane lane, core::Seq from, core::Seq to, std::uint64_t deadline_ns,
                  Answer answer) {
  LaneWait& own = lanes_[core::index(lane)];
  const auto told = verdict(own, from, to);
  if (!told || own.acked >= to) return answer(told);
  own.waiters.emplace(to, Waiter{from, deadline_ns, std::move(answer)});
}

void HubWait::cursor(core::Lane lane, core::Seq acked) {
  LaneWait& own = lanes_[core::index(lane)];
  own.acked = acked;
  // An answer may lead to the next append: none is called while the map is walked.
  std::vector<std::pair<Answer, core::Result<void>>> due;
  const auto end = own.waiters.upper_bound(acked);
  for (auto waiter = own.waiters.begin(); waiter != end; ++waiter)
    due.emplace_back(std::move(waiter->second.answer),
                     verdict(own, waiter->second.from, waiter->first));
  own.waiters.erase(own.waiters.begin(), end);
  for (auto& [answer, told] : due) answer(told);
}

void HubWait::set_aside(core::Lane lane, const storage::SetAside& range) {
  LaneWait& own = lanes_[core::index(lane)];
  own.aside[range.from] = std::max(own.aside[range.from], range.to);
  if (own.aside.size() > kRangesMax) own.aside.erase(own.aside.begin());
  std::vector<std::pair<Answer, core::Result<void>>> due;
  for (auto waiter = own.waiters.begin(); waiter != own.waiters.end();) {
    auto told = verdict(own, waiter->second.from, waiter->first);
    if (told) {
      ++waiter;
      continue;
    }
    due.emplace_back(std::move(waiter->second.answer), std::move(told));
    waiter = own.waiters.erase(waiter);
  }
  for (auto& [answer, told] : due) answer(told);
}

void HubWait::expire(std::uint64_t now_ns) {
  std::vector<Answer> due;
  for (LaneWait& lane : lanes_) {
    for (auto waiter = lane.waiters.begin(); waiter != lane.waiters.end();) {
      if (waiter->second.deadline_ns > now_ns) {
        ++waiter;
        continue;
      }
      due.push_back(std::move(waiter->second.answer));
      waiter = lane.waiters.erase(waiter);
    }
  }
  for (const Answer& answer : due) answer(not_yet());
}

void HubWait::give_up() {
  expire(~std::uint64_t{0});
}

std::size_t HubWait::waiting() const {
  std::size_t count = 0;
  for (const LaneWait& lane : lanes_) count += lane.waiters.size();
  return count;
}

}  // namespace sluice::gateway
