// SPDX-License-Identifier: Apache-2.0
#include "projection/gate/gate.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "projection/gate/batch.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

Result<Answer> Gate::offer(const Arrival& arrival, GateSink& sink) {
  Batch batch{sink, {}};
  auto found = store_.find(arrival.row());
  if (!found) return found.error();
  GateRow* row = *found;
  if (row == nullptr) {
    auto made = make_row(arrival.row(), arrival.now_ns, arrival.hub_seq);
    if (!made) return made.error();
    row = *made;
  }
  if (row->state == RowState::kUnopened) {
    SLUICE_TRY(open_by(*row, arrival));
  } else if (arrival.opened && !arrival.gap) {
    const auto contradicts = contradicts_opening(*row, arrival.event.seq);
    if (!contradicts) return contradicts.error();
    if (*contradicts) {
      batch.answer.verdict = Verdict::kPoison;
      batch.answer.why = "the epoch was opened at seq " + std::to_string(row->first) + " before";
      return std::move(batch.answer);
    }
  }
  if (row->state == RowState::kOpen) {
    SLUICE_TRY(admit(*row, arrival, batch));
  } else {
    SLUICE_TRY(hold(*row, arrival, batch));
  }
  return std::move(batch.answer);
}

Result<GateRow*> Gate::make_row(const RowRef& ref, std::int64_t now_ns, std::uint64_t hub_seq) {
  auto made = store_.create(ref);
  if (!made) return made.error();
  GateRow* row = *made;
  row->since_ns = now_ns;
  row->since_hub_seq = hub_seq;
  const auto successors = store_.waiting_on(ref.gateway, ref.lane, ref.epoch);
  if (!successors) return successors.error();
  for (const GateRow* successor : *successors)
    row->wake_at = row->wake_at == 0 ? successor->previous_last + 1
                                     : std::min(row->wake_at, successor->previous_last + 1);
  SLUICE_TRY(store_.changed(*row));
  return row;
}

// A second EpochOpened of an epoch is a contradiction, unless it lies in a range that was given up:
// then it only comes late (from an old card, say, when the first machine had trimmed it).
Result<bool> Gate::contradicts_opening(const GateRow& row, Seq seq) {
  if (row.start != RowStart::kWhole || row.first == seq) return false;
  if (row.absent == 0) return true;
  const auto absent = store_.is_absent(row, seq);
  if (!absent) return absent.error();
  return !*absent;
}

Result<void> Gate::open_by(GateRow& row, const Arrival& arrival) {
  if (!arrival.opened) {
    // All of the epoch from the lane's first seq on was given up, its EpochOpened among it.
    if (!arrival.gap || arrival.event.seq != 1) return {};
    row.first = row.next = 1;
    row.start = RowStart::kSkipped;
    SLUICE_TRY(make_open(row));
    return store_.changed(row);
  }
  row.previous = arrival.opened->previous;
  row.previous_last = arrival.opened->last_seq;
  row.first = row.next = arrival.event.seq;
  row.since_ns = arrival.now_ns;
  row.since_hub_seq = arrival.hub_seq;
  row.aside = arrival.aside;
  bool complete = true;
  if (row.previous) {
    auto predecessor = store_.find({row.gateway, row.previous, row.lane});
    if (!predecessor) return predecessor.error();
    GateRow* before = *predecessor;
    complete =
        before != nullptr && before->state == RowState::kOpen && before->next > row.previous_last;
    if (!complete && before != nullptr) {
      const Seq at = row.previous_last + 1;
      before->wake_at = before->wake_at == 0 ? at : std::min(before->wake_at, at);
      SLUICE_TRY(store_.changed(*before));
    }
  }
  if (complete) {
    SLUICE_TRY(make_open(row));
  } else {
    row.state = RowState::kWaiting;
  }
  return store_.changed(row);
}

Result<void> Gate::admit(GateRow& row, const Arrival& arrival, Batch& batch) {
  const Seq seq = arrival.event.seq;
  if (arrival.gap) {
    if (arrival.gap->to < row.next) return {};  // Verdict::kDuplicate
    if (seq > row.next) return hold(row, arrival, batch);
    batch.answer.verdict = Verdict::kApplied;
    SLUICE_TRY(step_over(row, arrival.gap->to, core::gap_reason_word(arrival.gap->reason), batch));
    return advance(row, batch);
  }
  if (seq < row.next) return below(row, arrival, batch);
  if (seq > row.next) return hold(row, arrival, batch);
  batch.answer.verdict = Verdict::kApplied;
  if (arrival.no_effect) {
    ++batch.answer.applied;
    SLUICE_TRY(batch.sink.pass());
  } else {
    SLUICE_TRY(
        apply_one(row, arrival.event, arrival.body, arrival.hub_seq, arrival.clock_ns, batch));
  }
  ++row.next;
  return advance(row, batch);
}

Result<void> Gate::below(GateRow& row, const Arrival& arrival, Batch& batch) {
  const Seq seq = arrival.event.seq;
  if (seq < row.first && row.start == RowStart::kAvailable) {
    batch.answer.verdict = Verdict::kBeforeStart;
    return {};
  }
  if (row.absent != 0 || row.start == RowStart::kSkipped) {
    const auto absent = store_.is_absent(row, seq);
    if (!absent) return absent.error();
    if (*absent) {
      if (arrival.no_effect) return {};  // Verdict::kDuplicate
      batch.answer.verdict = Verdict::kLate;
      return batch.sink.late(arrival.event, arrival.body, arrival.hub_seq);
    }
  }
  if (seq < row.first && row.start == RowStart::kWhole) {
    batch.answer.verdict = Verdict::kPoison;
    batch.answer.why = "the epoch begins at seq " + std::to_string(row.first);
  }
  return {};
}

Result<void> Gate::hold(GateRow& row, const Arrival& arrival, Batch& batch) {
  const Seq seq = arrival.event.seq;
  const auto known = store_.has_held(row, seq, arrival.gap.has_value());
  if (!known) return known.error();
  if (*known) return {};  // Verdict::kDuplicate
  const auto use = store_.lane_use(row.gateway, row.lane);
  if (!use) return use.error();
  const std::string_view body = arrival.no_effect ? std::string_view() : arrival.body;
  if (use->items >= settings_.held_items_max ||
      use->bytes + body.size() > settings_.held_bytes_max) {
    batch.answer.verdict = Verdict::kNotStored;
    note_not_stored(row, arrival);
  } else {
    batch.answer.verdict = Verdict::kHeld;
    SLUICE_TRY(store_.hold(row, {seq, arrival.gap ? arrival.gap->to : 0, arrival.hub_seq,
                                 arrival.now_ns, std::string(body), arrival.clock_ns}));
    ++row.held;
    if (arrival.gap) ++row.held_gaps;
  }
  SLUICE_TRY(store_.changed(row));
  if (use->items + 1 < settings_.seed_messages) return {};
  const auto collecting = is_collecting(row.gateway, row.lane);
  if (!collecting) return collecting.error();
  return *collecting ? settle_lane(row.gateway, row.lane, batch) : Result<void>();
}

void Gate::note_not_stored(GateRow& row, const Arrival& arrival) {
  const Seq seq = arrival.event.seq;
  if (row.not_stored && row.not_stored->hub_stream == arrival.hub_stream) {
    row.not_stored->seq = std::min(row.not_stored->seq, seq);
    row.not_stored->hub_seq = std::min(row.not_stored->hub_seq, arrival.hub_seq);
  } else {
    // After a change of shard the new hub stream gets everything that the old one had.
    row.not_stored = NotStored{std::string(arrival.hub_stream), arrival.hub_seq, seq};
  }
}

// What was not stored is not absent: a range is stepped over only up to there, and what is beyond
// comes again with the re-read that this causes.
Result<void> Gate::step_over(GateRow& row, Seq to, std::string_view reason, Batch& batch) {
  if (row.not_stored) to = std::min(to, row.not_stored->seq - 1);
  while (row.next <= to) {
    std::optional<HeldItem> item;
    if (row.held > row.held_gaps) {
      auto found = store_.first_event(row, row.next);
      if (!found) return found.error();
      item = std::move(*found);
    }
    const Seq absent_to = item && item->seq <= to ? item->seq - 1 : to;
    if (row.next <= absent_to) {
      SLUICE_TRY(store_.add_absent(row, row.next, absent_to, reason));
      row.absent += absent_to - row.next + 1;
      batch.answer.absent += absent_to - row.next + 1;
      row.next = absent_to + 1;
    }
    if (row.next <= to) SLUICE_TRY(apply_held(row, *item, batch));
  }
  return {};
}

Result<void> Gate::apply_held(GateRow& row, const HeldItem& item, Batch& batch) {
  if (item.body.empty()) {
    ++batch.answer.applied;
    row.next = item.seq + 1;
    return batch.sink.pass();
  }
  const auto event = codec::decode_trusted(item.body);
  if (!event) return event.error();
  SLUICE_TRY(apply_one(row, *event, item.body, item.hub_seq, item.clock_ns, batch));
  row.next = item.seq + 1;
  return {};
}

// After `next` moved or the row opened: applies what is held in order, opens the successors that
// waited for this, and asks for what had no room.
Result<void> Gate::advance(GateRow& first, Batch& batch) {
  const bool wakes = first.wake_at != 0 && first.next >= first.wake_at;
  if (first.held == 0 && !first.not_stored && !wakes) return store_.changed(first);
  std::vector<GateRow*> todo{&first};
  while (!todo.empty()) {
    GateRow& row = *todo.back();
    todo.pop_back();
    if (row.held != 0) SLUICE_TRY(drain(row, batch));
    if (row.not_stored && row.next >= row.not_stored->seq) {
      batch.answer.reread.push_back({row.not_stored->hub_stream, row.not_stored->hub_seq});
      row.not_stored.reset();
    }
    if (row.wake_at != 0 && row.next >= row.wake_at) SLUICE_TRY(wake(row, todo));
    SLUICE_TRY(store_.changed(row));
  }
  return {};
}

Result<void> Gate::wake(GateRow& row, std::vector<GateRow*>& opened) {
  const auto successors = store_.waiting_on(row.gateway, row.lane, row.epoch);
  if (!successors) return successors.error();
  row.wake_at = 0;
  for (GateRow* successor : *successors) {
    const Seq at = successor->previous_last + 1;
    if (row.next >= at) {
      SLUICE_TRY(make_open(*successor));
      opened.push_back(successor);
    } else {
      row.wake_at = row.wake_at == 0 ? at : std::min(row.wake_at, at);
    }
  }
  return {};
}

Result<void> Gate::drain(GateRow& row, Batch& batch) {
  for (;;) {
    auto event = store_.first_event(row, row.next);
    if (!event) return event.error();
    if (*event && (*event)->seq == row.next) {
      SLUICE_TRY(apply_held(row, **event, batch));
      continue;
    }
    if (row.held_gaps == 0) break;
    const auto gap = store_.gap_over(row, row.next);
    if (!gap) return gap.error();
    if (!*gap) break;
    const auto decoded = codec::decode_trusted((*gap)->body);
    if (!decoded) return decoded.error();
    const auto content = codec::decode_gap(decoded->data);
    if (!content) return content.error();
    SLUICE_TRY(step_over(row, content->to, core::gap_reason_word(content->reason), batch));
    if (row.next <= content->to) {
      // It reaches over what was not stored. Kept, it would give that up before it is read again.
      SLUICE_TRY(store_.drop_gap(row, (*gap)->seq));
      --row.held_gaps;
      --row.held;
      break;
    }
  }
  const auto dropped = store_.drop_below(row, row.next);
  if (!dropped) return dropped.error();
  row.held -= dropped->items;
  row.held_gaps -= dropped->gaps;
  return {};
}

}  // namespace sluice::projection
