// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/decisions.hpp"

#include <algorithm>

namespace sluice::projection {

using core::Result;

namespace {

// The column `applied`.
constexpr std::int64_t kApplied = 1;
constexpr std::int64_t kLate = 2;

#define SLUICE_SAME_EVENT "gateway = ?1 AND lane = ?2 AND epoch = ?3 AND seq = ?4"

std::string key_of(const core::EventView& event) {
  return core::Identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0}.text();
}

Result<Decision> decision_in(const Statement& row) {
  const auto epoch = core::Epoch::parse(row.text(2));
  if (!epoch) return epoch.error();
  Decision out;
  out.event = {std::string(row.text(1)), *epoch, static_cast<core::Lane>(row.integer(3)),
               static_cast<core::Seq>(row.integer(4)), 0};
  out.applied = (row.integer(5) & kApplied) != 0;
  out.late = (row.integer(5) & kLate) != 0;
  out.reason = row.text(6);
  out.at_ns = row.integer(7);
  // "No epoch" is not a valid epoch's text.
  if (const auto place = core::Epoch::parse(row.text(8))) out.epoch = *place;
  out.next = static_cast<core::Seq>(row.integer(9));
  out.done = row.integer(10) != 0;
  out.category = row.text(11);
  out.type = row.text(12);
  out.newest = row.integer(13);
  return out;
}

constexpr std::string_view kSelect =
    "SELECT id, gateway, epoch, lane, seq, applied, reason, at_ns, place_epoch, place_next, done,"
    " category, type, newest";

void bind_event(Statement& statement, const core::Identity& event, const std::string& epoch) {
  statement.bind(1, std::string_view(event.gateway));
  statement.bind(2, static_cast<std::int64_t>(event.lane)).bind(3, std::string_view(epoch));
  statement.bind(4, static_cast<std::int64_t>(event.seq));
}

}  // namespace

Result<std::vector<Decision>> Decisions::read(Target& target) {
  const auto rows = target.prepare(std::string(kSelect) + " FROM _sluice_settled ORDER BY id");
  if (!rows) return rows.error();
  std::vector<Decision> out;
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> Result<void> {
    auto decision = decision_in(row);
    if (!decision) return decision.error();
    out.push_back(std::move(*decision));
    return {};
  }));
  return out;
}

Result<void> Decisions::reload() {
  waiting_.clear();
  seqs_.clear();
  places_.clear();
  const auto rows = target_.prepare(
      std::string(kSelect) +
      ", CASE WHEN EXISTS (SELECT 1 FROM _sluice_parked AS p WHERE p.gateway = s.gateway"
      " AND p.lane = s.lane AND p.epoch = s.epoch AND p.seq = s.seq AND p.kind <> 'behind')"
      " THEN 1 ELSE 0 END"
      " FROM _sluice_settled AS s WHERE done = 0");
  if (!rows) return rows.error();
  SLUICE_TRY(each_row(**rows, [&](const Statement& row) -> Result<void> {
    auto decision = decision_in(row);
    if (!decision) return decision.error();
    std::string key = decision->event.text();
    seqs_.insert(decision->event.seq);
    waiting_[std::move(key)] = {row.integer(0), std::move(*decision), row.integer(14) != 0};
    return {};
  }));
  look_for_places();
  return {};
}

void Decisions::look_for_places() {
  places_.clear();
  for (const auto& [key, waiting] : waiting_) {
    if (!waiting.armed) continue;
    const Decision& decision = waiting.decision;
    Places& lane = places_[{decision.event.gateway, decision.event.lane}];
    const auto [place, added] = lane.try_emplace(decision.epoch, decision.next);
    if (!added) place->second = std::min(place->second, decision.next);
  }
}

const Decisions::Places* Decisions::places(std::string_view gateway, core::Lane lane) const {
  if (places_.empty()) return nullptr;
  const auto found = places_.find({std::string(gateway), lane});
  return found == places_.end() ? nullptr : &found->second;
}

const Decision* Decisions::waits_for(const core::EventView& event) const {
  if (!seqs_.contains(event.seq)) return nullptr;
  const auto found = waiting_.find(key_of(event));
  return found == waiting_.end() ? nullptr : &found->second.decision;
}

void Decisions::arm(const core::EventView& event) {
  if (!seqs_.contains(event.seq)) return;
  const auto found = waiting_.find(key_of(event));
  if (found == waiting_.end()) return;
  found->second.armed = true;
  look_for_places();
}

std::vector<Decision> Decisions::armed() const {
  std::vector<const Waiting*> found;
  for (const auto& [key, waiting] : waiting_)
    if (waiting.armed) found.push_back(&waiting);
  std::sort(found.begin(), found.end(),
            [](const Waiting* a, const Waiting* b) { return a->id < b->id; });
  std::vector<Decision> out;
  for (const Waiting* waiting : found) out.push_back(waiting->decision);
  return out;
}

void Decisions::disarm(const core::Identity& event) {
  const auto found = waiting_.find(event.text());
  if (found != waiting_.end()) found->second.armed = false;
  look_for_places();
}

Result<std::optional<bool>> Decisions::done(const core::Identity& event) {
  const auto statement = target_.prepare("SELECT done FROM _sluice_settled WHERE " SLUICE_SAME_EVENT
                                         " ORDER BY done DESC LIMIT 1");
  if (!statement) return statement.error();
  const std::string epoch = event.epoch.text();
  bind_event(**statement, event, epoch);
  const Statement::Resetting guard{**statement};
  const auto there = (*statement)->step();
  if (!there) return there.error();
  if (!*there) return std::optional<bool>();
  return std::optional<bool>((*statement)->integer(0) != 0);
}

Result<void> Decisions::note(const Decision& decision) {
  const bool waited = waiting_.erase(decision.event.text()) != 0;
  look_for_places();
  const auto statement = target_.prepare(
      waited ? "UPDATE _sluice_settled SET applied = ?5, reason = ?6, at_ns = ?7,"
               " place_epoch = ?8, place_next = ?9, done = ?10, category = ?11, type = ?12,"
               " newest = ?13"
               " WHERE done = 0"
               " AND " SLUICE_SAME_EVENT
             : "INSERT INTO _sluice_settled (gateway, lane, epoch, seq, applied, reason, at_ns,"
               " place_epoch, place_next, done, category, type, newest)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  if (!statement) return statement.error();
  const std::string epoch = decision.event.epoch.text();
  const std::string place = decision.epoch ? decision.epoch.text() : std::string();
  bind_event(**statement, decision.event, epoch);
  (*statement)->bind(5, (decision.applied ? kApplied : 0) | (decision.late ? kLate : 0));
  (*statement)->bind(6, std::string_view(decision.reason)).bind(7, decision.at_ns);
  (*statement)->bind(8, std::string_view(place));
  (*statement)->bind(9, static_cast<std::int64_t>(decision.next));
  (*statement)->bind(11, std::string_view(decision.category));
  (*statement)->bind(12, std::string_view(decision.type));
  (*statement)->bind(13, decision.newest);
  const auto done = (*statement)->bind(10, std::int64_t{decision.done ? 1 : 0}).run();
  if (!done) return done.error();
  return {};
}

}  // namespace sluice::projection
