// SPDX-License-Identifier: Apache-2.0
#include "projection/reactor/outbox.hpp"

#include <algorithm>

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

// Told in docs/reactors.md. A line is a reaction's letters of one stream; `due_ns` is monotonic
// time of this process.
constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, line TEXT NOT NULL,
  reaction TEXT NOT NULL, stream TEXT NOT NULL, type TEXT NOT NULL, made_ns INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, dead_ns INTEGER, why TEXT NOT NULL DEFAULT '',
  body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS _sluice_outbox_waiting ON _sluice_outbox (line, id)
  WHERE dead_ns IS NULL;
CREATE INDEX IF NOT EXISTS _sluice_outbox_dead ON _sluice_outbox (dead_ns, id)
  WHERE dead_ns IS NOT NULL;
CREATE TABLE IF NOT EXISTS _sluice_outbox_line (
  line TEXT PRIMARY KEY, reaction TEXT NOT NULL, due_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _sluice_outbox_due ON _sluice_outbox_line (reaction, due_ns);
CREATE TABLE IF NOT EXISTS _sluice_outbox_totals (
  reaction TEXT PRIMARY KEY, made INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _sluice_outbox_start (
  hub_stream TEXT PRIMARY KEY, created TEXT NOT NULL, silent_upto INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
UPDATE _sluice_outbox_line SET due_ns = 0;
)sql";

std::int64_t as_int(std::uint64_t v) {
  return static_cast<std::int64_t>(v);
}
std::uint64_t as_uint(std::int64_t v) {
  return static_cast<std::uint64_t>(v);
}

}  // namespace

Result<void> Outbox::open(Target& target) {
  target_ = &target;
  {
    auto transaction = Transaction::begin(target, Begin::kWrite);
    if (!transaction) return transaction.error();
    SLUICE_TRY(target.exec(kTables));
    SLUICE_TRY(bury_unknown());
    SLUICE_TRY(transaction->commit());
  }
  const auto bytes = query_int(target, "SELECT coalesce(sum(length(body)), 0) FROM _sluice_outbox");
  if (!bytes) return bytes.error();
  bytes_ = as_uint(*bytes);
  return prepare();
}

Result<void> Outbox::prepare() {
  const std::pair<std::unique_ptr<Statement>*, const char*> all[] = {
      // A key that is there already: the same letter, which only another gate could bring again.
      {&insert_,
       "INSERT INTO _sluice_outbox (key, line, reaction, stream, type, made_ns, body)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING"},
      {&insert_line_,
       "INSERT INTO _sluice_outbox_line VALUES (?1, ?2, ?3) ON CONFLICT (line) DO NOTHING"},
      {&take_,
       "SELECT o.id, o.key, o.line, o.attempts, o.body FROM _sluice_outbox_line AS l"
       " JOIN _sluice_outbox AS o ON o.id = (SELECT min(id) FROM _sluice_outbox"
       " WHERE line = l.line AND dead_ns IS NULL)"
       " WHERE l.reaction = ?1 AND l.due_ns <= ?2 ORDER BY l.due_ns LIMIT ?3"},
      {&remove_, "DELETE FROM _sluice_outbox WHERE id = ?1 AND dead_ns IS NULL"},
      {&failed_,
       "UPDATE _sluice_outbox SET attempts = attempts + ?2, why = ?3"
       " WHERE id = ?1 AND dead_ns IS NULL"},
      {&bury_,
       "UPDATE _sluice_outbox SET dead_ns = ?2, why = ?3, attempts = attempts + ?4"
       " WHERE id = ?1 AND dead_ns IS NULL"},
      {&line_due_, "UPDATE _sluice_outbox_line SET due_ns = ?2 WHERE line = ?1"},
      {&line_next_,
       "SELECT count(*) FROM (SELECT 1 FROM _sluice_outbox WHERE line = ?1 AND dead_ns IS NULL"
       " LIMIT 1)"},
      {&line_remove_, "DELETE FROM _sluice_outbox_line WHERE line = ?1"},
  };
  for (const auto& [statement, text] : all) {
    auto prepared = target_->prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

// Letters of a reaction that the file no longer has cannot be made any more.
Result<void> Outbox::bury_unknown() {
  std::vector<std::string> waiting;
  {
    auto rows = target_->prepare("SELECT DISTINCT reaction FROM _sluice_outbox_line");
    if (!rows) return rows.error();
    const Statement::Resetting guard{**rows};
    for (;;) {
      const auto row = (*rows)->step();
      if (!row) return row.error();
      if (!*row) break;
      waiting.emplace_back((*rows)->text(0));
    }
  }
  for (const std::string& reaction : waiting) {
    if (reactor_->find(reaction) != nullptr) continue;
    auto bury = target_->prepare(
        "UPDATE _sluice_outbox SET dead_ns = ?2, why = 'the reactor has no such reaction any more'"
        " WHERE reaction = ?1 AND dead_ns IS NULL");
    if (!bury) return bury.error();
    SLUICE_TRY((*bury)->bind(1, std::string_view(reaction)).bind(2, clock_.wall_ns()).run());
    auto forget = target_->prepare("DELETE FROM _sluice_outbox_line WHERE reaction = ?1");
    if (!forget) return forget.error();
    SLUICE_TRY((*forget)->bind(1, std::string_view(reaction)).run());
  }
  return {};
}

Result<void> Outbox::about_to_read(const HubStream& hub, std::uint64_t last,
                                   std::uint64_t reached) {
  auto known = target_->prepare(
      "SELECT created, silent_upto FROM _sluice_outbox_start WHERE hub_stream = ?1");
  if (!known) return known.error();
  const auto row = (*known)->bind(1, std::string_view(hub.name)).step();
  if (!row) return row.error();
  std::uint64_t upto = reactor_->from_beginning() ? 0 : last;
  if (*row) {
    if ((*known)->text(0) == hub.created) return {};
    if (reached >= as_uint((*known)->integer(1))) upto = 0;
  }
  (*known)->reset();
  auto save = target_->prepare(
      "INSERT INTO _sluice_outbox_start VALUES (?1, ?2, ?3) ON CONFLICT (hub_stream)"
      " DO UPDATE SET created = ?2, silent_upto = ?3");
  if (!save) return save.error();
  hub_ = {};
  auto transaction = Transaction::begin(*target_, Begin::kSynced);
  if (!transaction) return transaction.error();
  SLUICE_TRY((*save)
                 ->bind(1, std::string_view(hub.name))
                 .bind(2, std::string_view(hub.created))
                 .bind(3, as_int(upto))
                 .run());
  return transaction->commit();
}

Result<bool> Outbox::is_silent(const HubStream& hub, std::uint64_t hub_seq) {
  if (hub.name.empty()) {  // set free by an operator's word: no telling who brought it
    const auto upto =
        query_int(*target_, "SELECT coalesce(max(silent_upto), 0) FROM _sluice_outbox_start");
    if (!upto) return upto.error();
    return hub_seq <= as_uint(*upto);
  }
  if (hub_.name != hub.name || hub_.created != hub.created) {
    auto known = target_->prepare(
        "SELECT silent_upto FROM _sluice_outbox_start WHERE hub_stream = ?1 AND created = ?2");
    if (!known) return known.error();
    const auto row =
        (*known)->bind(1, std::string_view(hub.name)).bind(2, std::string_view(hub.created)).step();
    if (!row) return row.error();
    // Better no effect than one that nobody can call back.
    if (!*row)
      return fail(Errc::kInternal, "hub stream " + hub.name + " is read without about_to_read()");
    silent_upto_ = as_uint((*known)->integer(0));
    hub_ = hub;
  }
  return hub_seq <= silent_upto_;
}

Result<std::string> Outbox::apply(const Applied& applied, const HubStream& hub) {
  if (!reactor_->wants(applied.event)) return std::string();
  const bool has_letters =
      std::any_of(reactor_->reactions().begin(), reactor_->reactions().end(),
                  [&](const Reaction& reaction) { return reaction.fits(applied.event); });
  if (!has_letters) return std::string();
  const auto silent = is_silent(hub, applied.hub_seq);
  if (!silent) return silent.error();
  if (*silent) return std::string();
  for (const Reaction& reaction : reactor_->reactions())
    if (reaction.fits(applied.event)) SLUICE_TRY(add(reaction, applied.event, applied.body));
  return std::string();
}

Result<void> Outbox::add(const Reaction& reaction, const core::EventView& event,
                         std::string_view body) {
  if (bytes_ + batch_bytes_ + body.size() > kBytesMax)
    return fail(Errc::kLimit, "the outbox of reactor " + reactor_->name() +
                                  " is full: nothing more is read until its letters are delivered, "
                                  "or dropped by `sluice reactor drop`");
  const std::string key = idempotency_key(reactor_->name(), reaction.name, event);
  const std::string stream = std::string(event.gateway) + "/" + event.stream().text();
  const std::string line = reaction.name + " " + stream;
  const auto made = insert_->bind(1, std::string_view(key))
                        .bind(2, std::string_view(line))
                        .bind(3, std::string_view(reaction.name))
                        .bind(4, std::string_view(stream))
                        .bind(5, event.type)
                        .bind(6, clock_.wall_ns())
                        .bind_blob(7, body)
                        .run();
  if (!made) return made.error();
  if (*made == 0) return {};
  batch_bytes_ += body.size();
  SLUICE_TRY(insert_line_->bind(1, std::string_view(line))
                 .bind(2, std::string_view(reaction.name))
                 .bind(3, as_int(clock_.monotonic_ns()))
                 .run());
  return count(reaction.name, "made", 1);
}

void Outbox::committed() {
  bytes_ += batch_bytes_;
  if (batch_bytes_ > 0 && wake_) wake_();
  batch_bytes_ = 0;
}

void Outbox::rolled_back() {
  batch_bytes_ = 0;
  hub_ = {};
}

Result<void> Outbox::count(const std::string& reaction, const char* what, std::uint64_t by) {
  const std::string column = what;
  auto add = target_->prepare("INSERT INTO _sluice_outbox_totals (reaction, " + column +
                              ") VALUES (?1, ?2) ON CONFLICT (reaction) DO UPDATE SET " + column +
                              " = _sluice_outbox_totals." + column + " + ?2");
  if (!add) return add.error();
  SLUICE_TRY((*add)->bind(1, std::string_view(reaction)).bind(2, as_int(by)).run());
  return {};
}

Result<std::vector<Letter>> Outbox::take(const std::string& reaction, std::uint64_t now_ns,
                                         std::size_t limit, const std::set<std::string>& busy) {
  std::vector<Letter> out;
  const Statement::Resetting guard{*take_};
  take_->bind(1, std::string_view(reaction)).bind(2, as_int(now_ns));
  take_->bind(3, as_int(limit + busy.size()));
  while (out.size() < limit) {
    const auto row = take_->step();
    if (!row) return row.error();
    if (!*row) break;
    if (busy.contains(std::string(take_->text(2)))) continue;
    out.push_back({take_->integer(0), std::string(take_->text(1)), std::string(take_->text(2)),
                   reaction, as_uint(take_->integer(3)), std::string(take_->text(4))});
  }
  return out;
}

Result<void> Outbox::leave_line(const Letter& letter) {
  bool more = false;
  {
    const Statement::Resetting guard{*line_next_};
    const auto row = line_next_->bind(1, std::string_view(letter.line)).step();
    if (!row) return row.error();
    more = line_next_->integer(0) != 0;
  }
  if (more)  // behind the other lines: each has its turn
    SLUICE_TRY(line_due_->bind(1, std::string_view(letter.line))
                   .bind(2, as_int(clock_.monotonic_ns()))
                   .run());
  else
    SLUICE_TRY(line_remove_->bind(1, std::string_view(letter.line)).run());
  return {};
}

Result<void> Outbox::sent(const Letter& letter) {
  auto transaction = Transaction::begin(*target_, Begin::kWrite);
  if (!transaction) return transaction.error();
  const auto removed = remove_->bind(1, letter.id).run();
  if (!removed) return removed.error();
  SLUICE_TRY(leave_line(letter));
  SLUICE_TRY(count(letter.reaction, "sent", 1));
  SLUICE_TRY(transaction->commit());
  if (*removed != 0) bytes_ -= std::min<std::uint64_t>(bytes_, letter.body.size());
  return {};
}

Result<void> Outbox::failed(const Letter& letter, bool counts, std::uint64_t due_ns,
                            std::string_view why) {
  auto transaction = Transaction::begin(*target_, Begin::kWrite);
  if (!transaction) return transaction.error();
  SLUICE_TRY(failed_->bind(1, letter.id).bind(2, std::int64_t{counts ? 1 : 0}).bind(3, why).run());
  SLUICE_TRY(line_due_->bind(1, std::string_view(letter.line)).bind(2, as_int(due_ns)).run());
  SLUICE_TRY(count(letter.reaction, "failed", 1));
  return transaction->commit();
}

Result<void> Outbox::died(const Letter& letter, bool counts, std::string_view why) {
  auto transaction = Transaction::begin(*target_, Begin::kWrite);
  if (!transaction) return transaction.error();
  SLUICE_TRY(bury_->bind(1, letter.id)
                 .bind(2, clock_.wall_ns())
                 .bind(3, why)
                 .bind(4, std::int64_t{counts ? 1 : 0})
                 .run());
  if (counts) SLUICE_TRY(count(letter.reaction, "failed", 1));
  SLUICE_TRY(leave_line(letter));
  return transaction->commit();
}

Result<std::vector<OutboxCounts>> Outbox::counts() {
  auto rows = target_->prepare(
      "SELECT (SELECT count(*) FROM _sluice_outbox WHERE reaction = ?1 AND dead_ns IS NULL),"
      " (SELECT count(*) FROM _sluice_outbox WHERE reaction = ?1 AND dead_ns IS NOT NULL),"
      " coalesce((SELECT min(made_ns) FROM _sluice_outbox WHERE reaction = ?1"
      " AND dead_ns IS NULL), 0),"
      " coalesce(max(made), 0), coalesce(max(sent), 0), coalesce(max(failed), 0),"
      " coalesce(max(dropped), 0) FROM _sluice_outbox_totals WHERE reaction = ?1");
  if (!rows) return rows.error();
  std::vector<OutboxCounts> out;
  for (const Reaction& reaction : reactor_->reactions()) {
    const Statement::Resetting guard{**rows};
    const auto row = (*rows)->bind(1, std::string_view(reaction.name)).step();
    if (!row) return row.error();
    const auto at = [&](int column) { return as_uint((*rows)->integer(column)); };
    out.push_back({reaction.name, at(0), at(1), (*rows)->integer(2), at(3), at(4), at(5), at(6)});
  }
  return out;
}

Result<std::vector<DeadLetter>> Outbox::dead(std::size_t limit) {
  auto rows = target_->prepare(
      "SELECT key, reaction, stream, type, why, attempts, made_ns, dead_ns FROM _sluice_outbox"
      " WHERE dead_ns IS NOT NULL ORDER BY dead_ns, id LIMIT ?1");
  if (!rows) return rows.error();
  (*rows)->bind(1, as_int(limit));
  std::vector<DeadLetter> out;
  const Statement::Resetting guard{**rows};
  for (;;) {
    const auto row = (*rows)->step();
    if (!row) return row.error();
    if (!*row) return out;
    const auto text = [&](int column) { return std::string((*rows)->text(column)); };
    out.push_back({text(0), text(1), text(2), text(3), text(4), as_uint((*rows)->integer(5)),
                   (*rows)->integer(6), (*rows)->integer(7)});
  }
}

Result<void> Outbox::audit(std::string_view what, std::string_view key, std::string_view reason,
                           std::uint64_t count) {
  auto row =
      target_->prepare("INSERT INTO _sluice_audit (at_ns, what, detail) VALUES (?1, ?2, ?3)");
  if (!row) return row.error();
  const std::string detail = (key.empty() ? std::string("all") : std::string(key)) + " (" +
                             std::to_string(count) + " letters)" +
                             (reason.empty() ? "" : ": " + std::string(reason));
  SLUICE_TRY(
      (*row)->bind(1, clock_.wall_ns()).bind(2, what).bind(3, std::string_view(detail)).run());
  return {};
}

Result<std::uint64_t> Outbox::retry(std::string_view key) {
  auto lines = target_->prepare(
      "INSERT INTO _sluice_outbox_line SELECT DISTINCT line, reaction, 0 FROM _sluice_outbox"
      " WHERE dead_ns IS NOT NULL AND (?1 = '' OR key = ?1) ON CONFLICT (line) DO NOTHING");
  if (!lines) return lines.error();
  auto wake = target_->prepare(
      "UPDATE _sluice_outbox SET dead_ns = NULL, attempts = 0"
      " WHERE dead_ns IS NOT NULL AND (?1 = '' OR key = ?1)");
  if (!wake) return wake.error();
  auto transaction = Transaction::begin(*target_, Begin::kSynced);
  if (!transaction) return transaction.error();
  SLUICE_TRY((*lines)->bind(1, key).run());
  const auto count = (*wake)->bind(1, key).run();
  if (!count) return count.error();
  SLUICE_TRY(audit("reactor retry", key, "", *count));
  // A reaction that went from the file cannot come back by a retry.
  SLUICE_TRY(bury_unknown());
  SLUICE_TRY(transaction->commit());
  if (*count > 0 && wake_) wake_();
  return *count;
}

Result<std::uint64_t> Outbox::drop(std::string_view key, std::string_view reason) {
  auto totals = target_->prepare(
      "INSERT INTO _sluice_outbox_totals (reaction, dropped) SELECT reaction, count(*)"
      " FROM _sluice_outbox WHERE dead_ns IS NOT NULL AND (?1 = '' OR key = ?1) GROUP BY reaction"
      " ON CONFLICT (reaction) DO UPDATE SET"
      " dropped = _sluice_outbox_totals.dropped + excluded.dropped");
  if (!totals) return totals.error();
  auto remove = target_->prepare(
      "DELETE FROM _sluice_outbox WHERE dead_ns IS NOT NULL AND (?1 = '' OR key = ?1)");
  if (!remove) return remove.error();
  auto transaction = Transaction::begin(*target_, Begin::kSynced);
  if (!transaction) return transaction.error();
  SLUICE_TRY((*totals)->bind(1, key).run());
  const auto count = (*remove)->bind(1, key).run();
  if (!count) return count.error();
  SLUICE_TRY(audit("reactor drop", key, reason, *count));
  SLUICE_TRY(transaction->commit());
  const auto bytes =
      query_int(*target_, "SELECT coalesce(sum(length(body)), 0) FROM _sluice_outbox");
  if (!bytes) return bytes.error();
  bytes_ = as_uint(*bytes);
  return *count;
}

}  // namespace sluice::projection
