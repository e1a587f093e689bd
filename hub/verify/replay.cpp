// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/replay.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Incoming;
using projection::Marks;

namespace {

constexpr std::string_view kReason = "as in the model that is replayed";

}  // namespace

Result<Replay::Place*> Replay::place_of(const std::string& hub_stream, bool is_retraced) {
  const auto known = places_.find(hub_stream);
  if (known != places_.end()) return &known->second;
  const auto facts = source_.facts(hub_stream);
  if (!facts) return facts.error();
  Place place;
  place.hub = {hub_stream, facts->created};
  // What is gone since the model was built shows by what it waits for.
  SLUICE_TRY(engine_.begin(place.hub, is_retraced ? 1 : facts->first));
  return &places_.emplace(hub_stream, std::move(place)).first->second;
}

Result<ReplayEnd> Replay::read(const std::string& hub_stream, const ReplayBound& bound) {
  const auto found = place_of(hub_stream, false);
  if (!found) return found.error();
  (*found)->bound = bound;
  (*found)->is_due = true;
  SLUICE_TRY(read_due(nullptr));
  return (*found)->end;
}

Result<void> Replay::retrace(const Marks& marks, Until until) {
  for (const projection::Position& position : marks.positions) {
    const auto found = place_of(position.hub.name, true);
    if (!found) return found.error();
    Place& place = **found;
    place.is_due = true;
    place.bound = {};
    if (until == Until::kPositions) place.bound.position = position.sequence;
    if (place.first_beyond != 0) place.next = std::min(place.next, place.first_beyond);
    place.first_beyond = 0;
  }
  const auto taken = engine_.take_over(marks.decisions);
  if (!taken) return taken.error();
  SLUICE_TRY(engine_.retrace(marks));
  return read_due(&marks);
}

// An event of one hub stream may be what those of another wait for, which found no room.
Result<void> Replay::read_due(const Marks* marks) {
  for (bool any = true; any;) {
    SLUICE_TRY(turn_back());
    any = false;
    for (auto& [name, place] : places_) {
      if (!std::exchange(place.is_due, false)) continue;
      any = true;
      std::optional<MarkFilter> filter;
      if (marks != nullptr) filter.emplace(*marks);
      SLUICE_TRY(read_on(place, filter ? &*filter : nullptr));
      if (!filter)
        SLUICE_TRY(end_reached(place));
      else if (place.first_beyond == 0 ||
               (filter->first_beyond() != 0 && filter->first_beyond() < place.first_beyond))
        place.first_beyond = filter->first_beyond();
    }
  }
  return {};
}

Result<void> Replay::end_reached(Place& place) {
  if (engine_.model().history() != projection::History::kAvailable) return {};
  const auto settled = engine_.caught_up(place.hub);
  if (!settled) return settled.error();
  if (!settled->reread_from) return {};
  place.next = place.engine_next = *settled->reread_from;
  place.is_due = true;
  return {};
}

Result<void> Replay::read_on(Place& place, MarkFilter* filter) {
  const ReplayBound& bound = place.bound;
  std::uint64_t at = 0;  // what the source gives next; 0: something else
  while (!bound.position || place.next <= *bound.position) {
    if (options_.stopping && options_.stopping())
      return fail(Errc::kUnavailable, "the program is about to end");
    if (at != place.next) SLUICE_TRY(source_.seek(place.hub.name, place.next));
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
      SLUICE_TRY(take(place, got->first(count), filter));
    }
    const bool ended = got->empty() || count < got->size();
    if (ended && place.next >= at) break;  // else something is to be read again
    if (ended) at = 0;
  }
  return {};
}

Result<void> Replay::take(Place& place, std::span<const Incoming> batch, MarkFilter* filter) {
  messages_ += batch.size();
  if (options_.progress) options_.progress(messages_);
  place.next = batch.back().hub_seq + 1;
  if (batch.back().hub_seq > place.end.position)
    place.end = {batch.back().hub_seq, batch.back().hub_time_ns};
  if (filter == nullptr && !options_.alone) return apply(place, batch);
  // Runs of messages, each in one transaction; one that is watched is its own.
  std::vector<Incoming> run;
  const auto flush = [&]() -> Result<void> {
    if (run.empty()) return {};
    const auto done = apply(place, run);
    run.clear();
    return done;
  };
  for (const Incoming& message : batch) {
    if (filter != nullptr && !filter->takes(message)) continue;
    const bool watched = options_.alone && options_.alone(message);
    if (watched) SLUICE_TRY(flush());
    run.push_back(message);
    if (!watched) continue;
    SLUICE_TRY(flush());
    if (options_.after_alone) SLUICE_TRY(options_.after_alone(message));
  }
  return flush();
}

Result<void> Replay::apply(Place& place, std::span<const Incoming> batch) {
  const auto outcome = engine_.apply(place.hub, batch);
  if (!outcome) return outcome.error();
  place.engine_next = outcome->reread_from.value_or(batch.back().hub_seq + 1);
  if (outcome->reread_from) place.next = std::min(place.next, *outcome->reread_from);
  return {};
}

// What the engine wants once more of other hub streams than the one at hand.
Result<void> Replay::turn_back() {
  for (auto& [name, place] : places_) {
    const auto position = engine_.position(name);
    if (!position) return position.error();
    if (!*position || (*position)->next >= place.engine_next) continue;
    place.next = std::min(place.next, (*position)->next);
    place.engine_next = (*position)->next;
    place.is_due = true;
  }
  return {};
}

Result<void> Replay::settle(const Marks& marks) {
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
