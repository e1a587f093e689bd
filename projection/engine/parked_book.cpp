// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/parked_book.hpp"

namespace sluice::projection {

using core::Result;

namespace {

#define SLUICE_PARKED_COLUMNS                                                              \
  "id, gateway, epoch, lane, seq, category, entity, type, kind, why, hub_seq, parked_ns, " \
  "clock_ns, body"
// Of the same stream as the one named by ?1 to ?3.
#define SLUICE_SAME_STREAM "gateway = ?1 AND category = ?2 AND entity = ?3"

// "category/entity", the category without a '/'.
struct Stream {
  explicit Stream(std::string_view text)
      : category(text.substr(0, text.find('/'))), entity(text.substr(text.find('/') + 1)) {}
  std::string_view category;
  std::string_view entity;
};

Result<ParkedBook::Entry> entry_in(const Statement& row) {
  const auto epoch = core::Epoch::parse(row.text(2));
  if (!epoch) return epoch.error();
  ParkedBook::Entry out;
  out.id = row.integer(0);
  ParkedEvent& event = out.event;
  event.gateway = row.text(1);
  event.epoch = *epoch;
  event.lane = static_cast<core::Lane>(row.integer(3));
  event.seq = static_cast<core::Seq>(row.integer(4));
  event.stream = std::string(row.text(5)) + "/" + std::string(row.text(6));
  event.type = row.text(7);
  event.kind = row.text(8);
  event.why = row.text(9);
  event.hub_seq = static_cast<std::uint64_t>(row.integer(10));
  event.parked_at_ns = row.integer(11);
  out.clock_ns = row.integer(12);
  event.body = row.text(13);
  return out;
}

Result<void> run(Target& target, std::string_view sql, std::initializer_list<Value> values) {
  const auto statement = target.prepare(sql);
  if (!statement) return statement.error();
  int number = 0;
  for (const Value& value : values) (*statement)->set(++number, value);
  const auto done = (*statement)->run();
  if (!done) return done.error();
  return {};
}

}  // namespace

Result<std::vector<ParkedBook::Entry>> ParkedBook::read(Statement& statement) {
  std::vector<Entry> out;
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) return out;
    auto entry = entry_in(statement);
    if (!entry) return entry.error();
    out.push_back(std::move(*entry));
  }
}

Result<std::optional<ParkedBook::Entry>> ParkedBook::find(const core::Identity& event) {
  const auto statement =
      target_.prepare("SELECT " SLUICE_PARKED_COLUMNS
                      " FROM _sluice_parked"
                      " WHERE gateway = ?1 AND lane = ?2 AND epoch = ?3 AND seq = ?4");
  if (!statement) return statement.error();
  const std::string epoch = event.epoch.text();
  (*statement)->bind(1, std::string_view(event.gateway));
  (*statement)->bind(2, static_cast<std::int64_t>(event.lane)).bind(3, std::string_view(epoch));
  (*statement)->bind(4, static_cast<std::int64_t>(event.seq));
  auto found = read(**statement);
  if (!found) return found.error();
  if (found->empty()) return std::optional<Entry>();
  auto behind = count_behind(found->front());
  if (!behind) return behind.error();
  if (found->front().event.kind == "poison") found->front().event.behind = *behind;
  return std::optional(std::move(found->front()));
}

Result<ParkedEvent> ParkedBook::event(const core::Identity& event) {
  auto found = find(event);
  if (!found) return found.error();
  if (!*found) return core::fail(core::Errc::kNotFound, "no such event is parked", "event");
  return std::move((*found)->event);
}

Result<std::vector<ParkedEvent>> ParkedBook::heads(std::size_t limit) {
  const auto statement = target_.prepare(
      "SELECT id, gateway, epoch, lane, seq, category, entity, type, kind, why, hub_seq,"
      " parked_ns, clock_ns, '', CASE kind WHEN 'poison' THEN (SELECT count(*)"
      " FROM _sluice_parked AS b WHERE b.gateway = p.gateway AND b.category = p.category"
      " AND b.entity = p.entity AND b.kind = 'behind') ELSE 0 END,"
      " CASE WHEN EXISTS (SELECT 1 FROM _sluice_settled AS s WHERE s.gateway = p.gateway"
      " AND s.lane = p.lane AND s.epoch = p.epoch AND s.seq = p.seq AND s.done = 0 AND "
      "s.place_next <> 0"
      " AND NOT EXISTS (SELECT 1 FROM _sluice_gate AS g WHERE g.gateway = s.gateway"
      " AND g.lane = s.lane AND g.epoch = s.place_epoch AND g.state = 2"
      " AND g.next >= s.place_next))"
      " THEN 1 ELSE 0 END"
      " FROM _sluice_parked AS p WHERE kind <> 'behind' ORDER BY id LIMIT ?1");
  if (!statement) return statement.error();
  (*statement)->bind(1, static_cast<std::int64_t>(limit));
  std::vector<ParkedEvent> out;
  for (;;) {
    const auto row = (*statement)->step();
    if (!row) return row.error();
    if (!*row) return out;
    auto entry = entry_in(**statement);
    if (!entry) return entry.error();
    entry->event.behind = static_cast<std::uint64_t>((*statement)->integer(14));
    entry->event.decided = (*statement)->integer(15) != 0;
    out.push_back(std::move(entry->event));
  }
}

Result<std::vector<ParkedBook::Entry>> ParkedBook::behind(const Entry& head, std::int64_t after,
                                                          std::size_t limit) {
  const auto statement = target_.prepare("SELECT " SLUICE_PARKED_COLUMNS
                                         " FROM _sluice_parked WHERE " SLUICE_SAME_STREAM
                                         " AND kind = 'behind' AND id > ?4 ORDER BY id LIMIT ?5");
  if (!statement) return statement.error();
  const Stream stream(head.event.stream);
  (*statement)->bind(1, std::string_view(head.event.gateway)).bind(2, stream.category);
  (*statement)->bind(3, stream.entity).bind(4, after);
  (*statement)->bind(5, static_cast<std::int64_t>(limit));
  return read(**statement);
}

Result<std::uint64_t> ParkedBook::count_behind(const Entry& head) {
  const auto statement = target_.prepare(
      "SELECT count(*) FROM _sluice_parked WHERE " SLUICE_SAME_STREAM " AND kind = 'behind'");
  if (!statement) return statement.error();
  const Stream stream(head.event.stream);
  (*statement)->bind(1, std::string_view(head.event.gateway)).bind(2, stream.category);
  (*statement)->bind(3, stream.entity);
  const auto row = (*statement)->step();
  if (!row) return row.error();
  return *row ? static_cast<std::uint64_t>((*statement)->integer(0)) : 0;
}

Result<void> ParkedBook::remove(const Entry& entry) {
  return run(target_, "DELETE FROM _sluice_parked WHERE id = ?1", {Value::of(entry.id)});
}

Result<void> ParkedBook::make_poison(const Entry& entry, std::string_view why) {
  return run(target_, "UPDATE _sluice_parked SET kind = 'poison', why = ?2 WHERE id = ?1",
             {Value::of(entry.id), Value::of(why)});
}

Result<void> ParkedBook::audit(std::string_view what, std::string_view detail,
                               std::int64_t now_ns) {
  return run(target_, "INSERT INTO _sluice_audit (at_ns, what, detail) VALUES (?1, ?2, ?3)",
             {Value::of(now_ns), Value::of(what), Value::of(detail)});
}

}  // namespace sluice::projection
