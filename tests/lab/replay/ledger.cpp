// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/ledger.hpp"

#include <set>

namespace sluice::lab {
namespace {

std::vector<Ledger::Mark> carry_over(const std::vector<Ledger::Mark>& marks, std::size_t time) {
  std::vector<Ledger::Mark> carried;
  for (const Ledger::Mark& mark : marks)
    if (mark.begun <= time)
      carried.push_back(
          {0, mark.done <= time ? 0 : kNever, mark.value, mark.or_below, mark.is_ack});
  return carried;
}

}  // namespace

Ledger carry_over(const Ledger& first, std::size_t time, const Ledger& second) {
  Ledger both;
  std::set<core::Uuid> known;
  for (const Ledger::Append& append : first.appends) {
    if (!append.acked_at(time)) continue;
    both.appends.push_back({append.request, 0, 0, append.positions});
    known.insert(*append.request.events.front().id);
  }
  std::set<core::Uuid> under_way;  // perhaps there from the first run already
  for (const Ledger::Append& append : first.appends)
    if (append.begun_at(time)) under_way.insert(*append.request.events.front().id);
  for (const Ledger::Append& append : second.appends) {
    const core::Uuid id = *append.request.events.front().id;
    if (known.contains(id)) continue;
    both.appends.push_back(append);
    if (under_way.contains(id)) both.appends.back().begun = 0;
  }
  both.cursors = carry_over(first.cursors, time);
  both.floors = carry_over(first.floors, time);
  for (const Ledger::Aside& aside : first.set_aside)
    if (aside.done <= time) both.set_aside.push_back({aside.range, 0});
  return both;
}

}  // namespace sluice::lab
