// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/replay.hpp"

#include <algorithm>
#include <set>

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Incoming;
using projection::Marks;

namespace {

constexpr std::size_t kHolesMax = 1000;
constexpr int kRoundsMax = 1000;  // each gives something up: more would be a circle
constexpr std::string_view kReason = "as in the model that is replayed";

bool has_skips(const Marks& marks) {
  return std::any_of(marks.rows.begin(), marks.rows.end(),
                     [](const auto& row) { return !row.second.skipped.empty(); });
}

}  // namespace

Result<Replay::Place*> Replay::place_of(const std::string& hub_stream, const Marks* marks) {
  const auto known = places_.find(hub_stream);
  if (known != places_.end()) return &known->second;
  const auto facts = source_.facts(hub_stream);
  if (!facts) return facts.error();
  Place place;
  place.hub = {hub_stream, facts->created};
  // A model that began with everything shows by its marks what is gone since: it is not refused.
  std::uint64_t first = facts->first;
  if (marks != nullptr) first = marks->beginning_missing ? std::max<std::uint64_t>(first, 2) : 1;
  SLUICE_TRY(engine_.begin(place.hub, first));
  return &places_.emplace(hub_stream, std::move(place)).first->second;
}

Result<ReplayEnd> Replay::read(const std::string& hub_stream, const ReplayBound& bound,
                               const Marks* marks) {
  const auto found = place_of(hub_stream, marks);
  if (!found) return found.error();
  Place& place = **found;
  std::optional<MarkFilter> filter;
  if (marks != nullptr) {
    filter.emplace(*marks);
    const auto taken = engine_.take_over(marks->decisions);
    if (!taken) return taken.error();
  }
  if (place.first_beyond != 0) place.next = std::min(place.next, place.first_beyond);
  place.first_beyond = 0;
  const bool skips = marks != nullptr && has_skips(*marks);
  std::uint64_t at = 0;  // what the source gives next; 0: something else
  while (!bound.position || place.next <= *bound.position) {
    if (options_.stopping && options_.stopping())
      return fail(Errc::kUnavailable, "the program is about to end");
    if (at != place.next) SLUICE_TRY(source_.seek(hub_stream, place.next));
    at = place.next;
    const auto got = source_.next();
    if (!got) return got.error();
    std::size_t count = 0;
    for (; count < got->size(); ++count) {
      const Incoming& message = (*got)[count];
      if (bound.position && message.hub_seq > *bound.position) break;
      if (bound.stored_ns && message.hub_time_ns > *bound.stored_ns) break;
    }
    if (count != 0) {
      at = (*got)[count - 1].hub_seq + 1;
      SLUICE_TRY(take(place, got->first(count), marks, filter ? &*filter : nullptr));
    }
    if (skips && held_) {
      const auto skipped = skip_as_in(*marks);
      if (!skipped) return skipped.error();
    }
    const bool ended = got->empty() || count < got->size();
    if (ended && place.next >= at) break;  // else something is to be read again
    if (ended) at = 0;
  }
  if (filter) place.first_beyond = filter->first_beyond();
  if (engine_.model().history() == projection::History::kAvailable) {
    const auto settled = engine_.caught_up(place.hub);
    if (!settled) return settled.error();
    if (settled->reread_from) {
      place.next = *settled->reread_from;
      return read(hub_stream, bound, marks);
    }
  }
  return place.end;
}

Result<void> Replay::take(Place& place, std::span<const Incoming> batch, const Marks* marks,
                          MarkFilter* filter) {
  messages_ += batch.size();
  if (options_.progress) options_.progress(messages_);
  place.next = batch.back().hub_seq + 1;
  place.end = {batch.back().hub_seq, batch.back().hub_time_ns};
  if (marks == nullptr && !options_.alone) return apply(place, batch);
  // Runs of messages, each in one transaction; one that is cut or watched is its own.
  std::vector<Incoming> run;
  const auto flush = [&]() -> Result<void> {
    if (run.empty()) return {};
    const auto done = apply(place, run);
    run.clear();
    return done;
  };
  for (const Incoming& message : batch) {
    const auto passed = filter != nullptr ? filter->pass(message) : std::optional(message);
    if (!passed) continue;
    const bool watched = options_.alone && options_.alone(*passed);
    const bool is_cut = passed->body.data() != message.body.data();
    if (!watched && !is_cut) {
      run.push_back(*passed);
      continue;
    }
    SLUICE_TRY(flush());
    run.push_back(*passed);
    SLUICE_TRY(flush());
    if (watched && options_.after_alone) SLUICE_TRY(options_.after_alone(*passed));
  }
  return flush();
}

Result<void> Replay::apply(Place& place, std::span<const Incoming> batch) {
  const auto outcome = engine_.apply(place.hub, batch);
  if (!outcome) return outcome.error();
  held_ = held_ || outcome->held != 0 || outcome->not_stored != 0;
  if (outcome->reread_from) place.next = std::min(place.next, *outcome->reread_from);
  return {};
}

// A hold that was stepped over may turn back the positions of hub streams.
Result<bool> Replay::skip(const projection::RowRef& row) {
  std::map<std::string, std::uint64_t> before;
  for (const auto& [name, place] : places_) {
    const auto position = engine_.position(name);
    if (!position) return position.error();
    if (*position) before[name] = (*position)->next;
  }
  const auto outcome = engine_.skip(row, kReason);
  if (!outcome) {
    if (outcome.error().code == Errc::kNotFound) return false;
    return outcome.error();
  }
  for (auto& [name, place] : places_) {
    const auto position = engine_.position(name);
    if (!position) return position.error();
    if (!*position || (*position)->next >= before[name]) continue;
    place.next = std::min(place.next, (*position)->next);
    turned_ = true;
  }
  return true;
}

// Gives up what an operator gave up in the model, as soon as all of a hole is.
Result<bool> Replay::skip_as_in(const Marks& marks) {
  bool any = false;
  for (int round = 0; round < kRoundsMax; ++round) {
    const auto holes = engine_.holes(kHolesMax);
    if (!holes) return holes.error();
    held_ = !holes->empty();
    bool moved = false;
    std::set<std::string> rows;
    for (const projection::Hole& hole : *holes) {
      std::string key = projection::mark_key({hole.gateway, hole.epoch, hole.lane});
      const projection::Mark* mark = marks.find(key);
      // A skip is about the first hole of a row.
      if (!rows.insert(std::move(key)).second) continue;
      if (mark == nullptr || mark->state != projection::RowState::kOpen) continue;
      const bool had_no_beginning = mark->start == projection::RowStart::kSkipped;
      if (!mark->has_skipped(hole.from, hole.to) &&
          !(had_no_beginning && hole.kind == projection::Hole::Kind::kBeginning))
        continue;
      // In a row that waits for its predecessor a skip would end that wait.
      const auto open = engine_.covers(mark->row(), mark->first);
      if (!open) return open.error();
      if (!*open && !had_no_beginning) continue;
      const auto done = skip(mark->row());
      if (!done) return done.error();
      moved = moved || *done;
    }
    if (!moved) return any;
    any = true;
  }
  return any;
}

// An operator ended an epoch's wait for its predecessor: nothing but its state says so.
Result<bool> Replay::open_as_in(const Marks& marks) {
  const auto holes = engine_.holes(kHolesMax);
  if (!holes) return holes.error();
  bool any = false;
  for (const projection::Hole& hole : *holes) {
    if (hole.kind != projection::Hole::Kind::kPredecessor) continue;
    const projection::Mark* before =
        marks.find(projection::mark_key({hole.gateway, hole.epoch, hole.lane}));
    if (before != nullptr && before->next > hole.to) continue;  // its events are gone: no deed
    for (const auto& [name, mark] : marks.rows) {
      if (mark.gateway != hole.gateway || mark.lane != hole.lane || mark.previous != hole.epoch ||
          mark.state != projection::RowState::kOpen)
        continue;
      const auto open = engine_.covers(mark.row(), mark.first);
      if (!open) return open.error();
      if (*open) continue;
      const auto done = skip(mark.row());
      if (!done) return done.error();
      any = any || *done;
    }
  }
  return any;
}

Result<void> Replay::read_again(const Marks& marks) {
  turned_ = false;
  std::vector<std::string> names;
  for (const auto& [name, place] : places_) names.push_back(name);
  for (const std::string& name : names) {
    const auto position =
        std::find_if(marks.positions.begin(), marks.positions.end(),
                     [&](const projection::Position& known) { return known.hub.name == name; });
    if (position == marks.positions.end()) continue;
    const auto end = read(name, {position->sequence, std::nullopt}, &marks);
    if (!end) return end.error();
  }
  return {};
}

Result<void> Replay::finish(const Marks& marks) {
  for (int round = 0; round < kRoundsMax; ++round) {
    const auto skipped = skip_as_in(marks);
    if (!skipped) return skipped.error();
    const auto opened = open_as_in(marks);
    if (!opened) return opened.error();
    if (turned_) SLUICE_TRY(read_again(marks));
    if (!*skipped && !*opened) break;
  }
  return settle_as_in(marks);
}

// What was decided where nobody kept the place, or could not be carried out there.
Result<void> Replay::settle_as_in(const Marks& marks) {
  const auto waiting = engine_.decisions();
  if (!waiting) return waiting.error();
  std::set<std::string> done_there;
  for (const projection::Decision& decision : marks.decisions)
    if (decision.done) done_there.insert(decision.event.text());
  for (const projection::Decision& decision : *waiting) {
    if (decision.done || !done_there.contains(decision.event.text())) continue;
    const auto done = decision.applied ? engine_.retry_parked(decision.event)
                                       : engine_.skip_parked(decision.event, kReason);
    // It was not parked here, or it still does not fit: the comparison tells.
    if (!done && done.error().code != Errc::kNotFound && done.error().code != Errc::kBadRequest)
      return done.error();
  }
  return {};
}

}  // namespace sluice::hub
