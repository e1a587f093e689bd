// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/marked_gate.hpp"

#include <algorithm>
#include <utility>

#include "core/codec/event_codec.hpp"

namespace sluice::projection {

using core::Result;
using core::Seq;

bool MarkedGate::Course::has_turn(Seq seq) const {
  return !mark.is_absent(seq) || std::binary_search(settled.begin(), settled.end(), seq);
}

Seq MarkedGate::Course::next_turn(Seq from, Seq to) const {
  const auto behind =
      std::upper_bound(mark.absent.begin(), mark.absent.end(), from,
                       [](Seq value, const auto& range) { return value < range.first; });
  Seq at = from;
  for (auto range = behind == mark.absent.begin() ? behind : std::prev(behind);
       range != mark.absent.end() && range->first <= at; ++range)
    at = std::max(at, range->second + 1);
  const auto settled_in = std::lower_bound(settled.begin(), settled.end(), from);
  if (settled_in != settled.end()) at = std::min(at, *settled_in);
  return std::min(at, to);
}

void MarkedGate::set(const Marks& marks) {
  lanes_.clear();
  last_ = nullptr;
  std::map<std::string_view, std::int64_t> newest;  // order, by gateway
  for (const auto& [key, mark] : marks.rows) {
    if (mark.state != RowState::kOpen) continue;
    lanes_[{mark.gateway, mark.lane}].courses.push_back({mark, {}});
    const auto [known, added] = newest.try_emplace(mark.gateway, mark.order);
    if (!added) known->second = std::max(known->second, mark.order);
  }
  for (const Decision& decision : marks.decisions) {
    if (!decision.done || !decision.applied) continue;
    const auto lane =
        lanes_.find(std::pair(std::string_view(decision.event.gateway), decision.event.lane));
    if (lane == lanes_.end()) continue;
    for (Course& course : lane->second.courses)
      if (course.mark.epoch == decision.event.epoch && course.mark.is_absent(decision.event.seq))
        course.settled.push_back(decision.event.seq);
  }
  for (auto& [key, lane] : lanes_) plan(lane, newest.at(key.first));
}

// Each run is a turn. A row without one had nothing but what has no effect, and comes last.
void MarkedGate::plan(LaneCourse& lane, std::int64_t newest) {
  for (std::size_t i = 0; i < lane.courses.size(); ++i) {
    Course& course = lane.courses[i];
    std::sort(course.settled.begin(), course.settled.end());
    const Mark& mark = course.mark;
    const auto& runs = mark.runs;
    if (runs.empty()) lane.turns.push_back({i, mark.first, mark.next, false, SIZE_MAX});
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const bool is_late = runs[r].age == Mark::Age::kUnknown ? mark.order < newest
                                                              : runs[r].age == Mark::Age::kLate;
      lane.turns.push_back({i, r == 0 ? mark.first : runs[r].first,
                            r + 1 < runs.size() ? runs[r + 1].first : mark.next, is_late,
                            runs[r].place});
    }
  }
  std::stable_sort(lane.turns.begin(), lane.turns.end(), [&](const Turn& a, const Turn& b) {
    if (a.place != b.place) return a.place < b.place;
    return lane.courses[a.course].mark.order < lane.courses[b.course].mark.order;
  });
}

MarkedGate::LaneCourse* MarkedGate::lane_of(const core::EventView& event) {
  if (last_ != nullptr && last_->first.second == event.lane && last_->first.first == event.gateway)
    return &last_->second;
  const auto found = lanes_.find(std::pair(event.gateway, event.lane));
  if (found == lanes_.end()) return nullptr;
  last_ = &*found;
  return &found->second;
}

Result<GateRow*> MarkedGate::row_of(const Course& course) {
  auto row = store_.find(course.mark.row());
  if (!row || *row != nullptr) return row;
  return store_.create(course.mark.row());
}

Result<void> MarkedGate::open(GateRow& row, const Course& course) {
  row.state = RowState::kOpen;
  row.start = course.mark.start;
  row.previous = course.mark.previous;
  row.order = course.mark.order;
  row.first = row.next = course.mark.first;
  return store_.order_changed(row);
}

Result<Answer> MarkedGate::go_on(GateSink& sink) {
  Answer answer;
  for (auto& [key, lane] : lanes_) SLUICE_TRY(advance(lane, sink, answer));
  return answer;
}

Result<Answer> MarkedGate::offer(const Arrival& arrival, GateSink& sink) {
  Answer answer;
  LaneCourse* lane = lane_of(arrival.event);
  if (lane == nullptr || arrival.gap) return answer;
  const auto course =
      std::find_if(lane->courses.begin(), lane->courses.end(),
                   [&](const Course& one) { return one.mark.epoch == arrival.event.epoch; });
  const Seq seq = arrival.event.seq;
  if (course == lane->courses.end() || seq < course->mark.first || seq >= course->mark.next ||
      !course->has_turn(seq))
    return answer;
  // The gate refused a second beginning of an epoch, and waited for another event there.
  if (arrival.opened && course->mark.start == RowStart::kWhole && seq != course->mark.first &&
      !course->mark.is_absent(seq)) {
    answer.verdict = Verdict::kPoison;
    answer.why = "the epoch was opened at seq " + std::to_string(course->mark.first) + " before";
    return answer;
  }
  if (std::exchange(lane->is_stale, false)) SLUICE_TRY(advance(*lane, sink, answer));
  const auto found = row_of(*course);
  if (!found) return found.error();
  GateRow& row = **found;
  if (row.state == RowState::kOpen && seq < row.next) return answer;
  const Turn* turn = lane->at < lane->turns.size() ? &lane->turns[lane->at] : nullptr;
  const bool has_turn = turn != nullptr && row.state == RowState::kOpen && row.next == seq &&
                        &lane->courses[turn->course] == &*course && seq < turn->to;
  if (!has_turn) {
    SLUICE_TRY(hold(row, arrival, answer));
    return answer;
  }
  SLUICE_TRY(take(
      row, *course, *turn,
      {arrival.event, arrival.body, arrival.hub_seq, row.order, turn->is_late, arrival.clock_ns},
      arrival.no_effect, sink, answer));
  answer.verdict = Verdict::kApplied;
  SLUICE_TRY(advance(*lane, sink, answer));
  return answer;
}

Result<void> MarkedGate::hold(GateRow& row, const Arrival& arrival, Answer& answer) {
  const Seq seq = arrival.event.seq;
  const auto known = store_.has_held(row, seq, false);
  if (!known) return known.error();
  if (*known) return {};
  const auto use = store_.lane_use(row.gateway, row.lane);
  if (!use) return use.error();
  const std::string_view body = arrival.no_effect ? std::string_view() : arrival.body;
  if (use->items >= settings_.held_items_max ||
      use->bytes + body.size() > settings_.held_bytes_max) {
    answer.verdict = Verdict::kNotStored;
    const auto [entry, added] = unstored_[row.id].try_emplace(std::string(arrival.hub_stream),
                                                              Unstored{arrival.hub_seq, seq});
    if (std::exchange(entry->second.is_asked, false)) entry->second = {arrival.hub_seq, seq};
    entry->second.hub_seq = std::min(entry->second.hub_seq, arrival.hub_seq);
    entry->second.seq = std::min(entry->second.seq, seq);
    return {};
  }
  answer.verdict = Verdict::kHeld;
  SLUICE_TRY(store_.hold(
      row, {seq, 0, arrival.hub_seq, arrival.now_ns, std::string(body), arrival.clock_ns}));
  ++row.held;
  return store_.changed(row);
}

Result<void> MarkedGate::give_up(GateRow& row, Seq to) {
  SLUICE_TRY(store_.add_absent(row, row.next, to - 1, "given up there"));
  row.absent += to - row.next;
  row.next = to;
  return {};
}

Result<void> MarkedGate::take(GateRow& row, const Course& course, const Turn& turn,
                              const Applied& event, bool no_effect, GateSink& sink,
                              Answer& answer) {
  const Seq seq = row.next;
  if (course.mark.is_absent(seq)) {  // it came late, and waits for the place of its retry
    SLUICE_TRY(give_up(row, seq + 1));
    if (!no_effect) SLUICE_TRY(sink.late(event.event, event.body, event.hub_seq));
    return store_.changed(row);
  }
  ++answer.applied;
  if (no_effect)
    SLUICE_TRY(sink.pass());
  else
    SLUICE_TRY(sink.apply(
        {event.event, event.body, event.hub_seq, row.order, turn.is_late, event.clock_ns}));
  row.next = seq + 1;
  return store_.changed(row);
}

// False: the next one of the row is not held.
Result<bool> MarkedGate::take_held(GateRow& row, const Course& course, const Turn& turn,
                                   GateSink& sink, Answer& answer) {
  if (row.held == 0) return false;
  const auto item = store_.first_event(row, row.next);
  if (!item) return item.error();
  if (!*item || (*item)->seq != row.next) return false;
  const bool no_effect = (*item)->body.empty();
  core::EventView view;
  if (!no_effect) {
    const auto event = codec::decode_trusted((*item)->body);
    if (!event) return event.error();
    view = *event;
  }
  SLUICE_TRY(
      take(row, course, turn,
           {view, (*item)->body, (*item)->hub_seq, row.order, turn.is_late, (*item)->clock_ns},
           no_effect, sink, answer));
  return true;
}

Result<void> MarkedGate::advance(LaneCourse& lane, GateSink& sink, Answer& answer) {
  for (; lane.at < lane.turns.size(); ++lane.at) {
    const Turn& turn = lane.turns[lane.at];
    const Course& course = lane.courses[turn.course];
    const auto found = row_of(course);
    if (!found) return found.error();
    GateRow& row = **found;
    if (row.state != RowState::kOpen) SLUICE_TRY(open(row, course));
    while (row.next < turn.to) {
      const Seq next = course.next_turn(row.next, turn.to);
      if (next > row.next) {
        SLUICE_TRY(give_up(row, next));
        continue;
      }
      const auto taken = take_held(row, course, turn, sink, answer);
      if (!taken) return taken.error();
      if (*taken) continue;
      ask_again(row, answer);
      return drop_taken(row);
    }
    SLUICE_TRY(drop_taken(row));
  }
  return {};
}

Result<void> MarkedGate::drop_taken(GateRow& row) {
  if (row.held != 0) {
    const auto dropped = store_.drop_below(row, row.next);
    if (!dropped) return dropped.error();
    row.held -= dropped->items;
  }
  return store_.changed(row);
}

// What had no room and may be the one that is waited for.
void MarkedGate::ask_again(const GateRow& row, Answer& answer) {
  const auto unstored = unstored_.find(row.id);
  if (unstored == unstored_.end()) return;
  for (auto& [hub_stream, entry] : unstored->second) {
    if (entry.is_asked || entry.seq > row.next) continue;
    answer.reread.push_back({hub_stream, entry.hub_seq});
    entry.is_asked = true;
  }
}

void MarkedGate::rolled_back() {
  for (auto& [key, lane] : lanes_) {
    lane.at = 0;
    lane.is_stale = true;
  }
  for (auto& [row, streams] : unstored_)
    for (auto& [hub_stream, entry] : streams) entry.is_asked = false;
}

std::vector<GatePoint> MarkedGate::awaited() const {
  std::vector<GatePoint> out;
  for (const auto& [key, lane] : lanes_) {
    for (std::size_t i = lane.at; i < lane.turns.size(); ++i) {
      const Turn& turn = lane.turns[i];
      const Mark& mark = lane.courses[turn.course].mark;
      const auto row = store_.find(mark.row());
      const bool is_open = row && *row != nullptr && (*row)->state == RowState::kOpen;
      if (is_open && (*row)->next >= turn.to) continue;
      out.push_back({key.first, key.second, mark.epoch, is_open ? (*row)->next : mark.first});
      break;
    }
  }
  return out;
}

}  // namespace sluice::projection
