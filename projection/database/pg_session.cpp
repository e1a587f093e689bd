// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_session.hpp"

#include <algorithm>
#include <utility>

#include "core/random.hpp"
#include "projection/database/pg_sql.hpp"
#include "projection/database/sql_words.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

// The server ends what takes longer; a server that does not even do that is left behind.
constexpr milliseconds kStatementTimeout{25'000};
constexpr milliseconds kAnswerTimeout{30'000};
constexpr milliseconds kGrace{1'000};
constexpr seconds kConnectTimeout{5};
constexpr seconds kRollbackTimeout{5};
constexpr std::int64_t kTimeoutSlackMs = 50;
constexpr std::size_t kQueuedMax = 512;
constexpr std::size_t kQueuedBytesMax = 1 << 20;
constexpr int kServerVersionMin = 130'000;
constexpr std::size_t kNameBytesMax = 63;  // PostgreSQL cuts longer names without a word

// A plan made while a table was empty would read the whole table ever after: each run is planned.
constexpr const char* kSetup =
    "; SET statement_timeout = 25000; SET lock_timeout = 5000;"
    " SET idle_in_transaction_session_timeout = 10000; SET synchronous_commit = on;"
    " SET plan_cache_mode = force_custom_plan; SET jit = off; SET client_min_messages = warning;"
    " SET standard_conforming_strings = on; SET bytea_output = hex; SET extra_float_digits = 1;"
    " SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET tcp_keepalives_idle = 10;"
    " SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET default_transaction_isolation = 'read committed'";

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace

PgSession::PgSession(Place place, Access access) : place_(std::move(place)), access_(access) {
  core::SystemRandom random;
  application_name_ = ("sluice " + place_.schema).substr(0, kNameBytesMax - 17) + " " +
                      core::draw_epoch(random).text();
}

pg::Connection::Deadline PgSession::answers_by() const {
  const auto usual = steady_clock::now() + kAnswerTimeout;
  return deadline_ ? std::min(usual, *deadline_ + kGrace) : usual;
}

Result<void> PgSession::ensure() {
  if (in_transaction_) {
    if (connection_ && !connection_->lost()) return {};
    return fail(Errc::kUnavailable, "the read database was lost in this transaction");
  }
  if (connection_ && connection_->still_there()) return {};
  return connect();
}

Result<void> PgSession::connect() {
  if (place_.schema.size() > kNameBytesMax)
    return fail(Errc::kConfig, place_.text() + ": the name has more than 63 bytes");
  const int lost = connection_ ? connection_->backend() : 0;
  connection_.reset();
  forgotten_.clear();
  ++generation_;
  const auto by = answers_by();
  const auto left = std::chrono::ceil<seconds>(by - kGrace - steady_clock::now());
  auto connection = pg::Connection::open(
      {place_.conninfo, application_name_, std::clamp(left, seconds(1), kConnectTimeout)});
  if (!connection) return connection.error();
  if ((*connection)->server_version() < kServerVersionMin)
    return fail(Errc::kConfig, "PostgreSQL 13 or later is needed, this one is version " +
                                   std::to_string((*connection)->server_version() / 10'000));
  if (const auto encoding = (*connection)->parameter("server_encoding"); encoding != "UTF8")
    return fail(Errc::kConfig, "the read database's encoding is " + encoding +
                                   ": create it with ENCODING 'UTF8' TEMPLATE template0");
  std::string setup = "SET search_path = " + sql::quoted(place_.schema) + kSetup;
  if (access_ == Access::kRead) setup += "; SET default_transaction_read_only = on";
  if ((*connection)->server_version() >= 140'000)
    setup += "; SET client_connection_check_interval = 10000";
  SLUICE_TRY((*connection)->script(setup, by));
  // What the lost session was at is ended now, not when the network notices.
  if (lost != 0)
    SLUICE_TRY((*connection)
                   ->script("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = " +
                                std::to_string(lost) +
                                " AND application_name = " + literal(application_name_),
                            by));
  connection_ = std::move(*connection);
  timeout_ms_ = kStatementTimeout.count();
  auto ready = find_schema();
  if (ready && claimed_) ready = take_claim();
  if (!ready) connection_.reset();
  return ready;
}

Result<std::string> PgSession::one_text(const std::string& sql) {
  SLUICE_TRY(connection_->send_text(sql));
  const auto rows = connection_->receive(answers_by());
  if (!rows) return rows.error();
  return rows->rows() == 0 ? std::string() : std::string(rows->text(0, 0));
}

Result<void> PgSession::find_schema() {
  const auto found = one_text("SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace" +
                              (" WHERE nspname = " + literal(place_.schema)));
  if (!found) return found.error();
  if (*found == "t") return {};
  if (*found == "f")
    return fail(Errc::kConfig, "this login may not use " + place_.text() +
                                   ": grant it USAGE (docs/operations.md)");
  if (access_ == Access::kRead) return fail(Errc::kNotFound, place_.text() + " is not there");
  return connection_->script("CREATE SCHEMA " + sql::quoted(place_.schema), answers_by());
}

Result<void> PgSession::claim() {
  if (claimed_) return {};
  SLUICE_TRY(ensure());
  SLUICE_TRY(take_claim());
  claimed_ = true;
  return {};
}

// The lock belongs to the session: a server process that still ends an old session's work has it.
Result<void> PgSession::take_claim() {
  const std::int64_t key = pg_sql::lock_key(place_.schema, "");
  const auto taken = one_text("SELECT pg_advisory_lock(" + std::to_string(key) + ")");
  if (taken) return {};
  if (taken.error().code != Errc::kBusy) return taken.error();
  const auto bits = static_cast<std::uint64_t>(key);
  const auto who = one_text(
      "SELECT format('process %s, %s, since %s', a.pid, a.application_name, a.backend_start)"
      " FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
      " AND l.granted AND l.objsubid = 1 AND l.classid = " +
      std::to_string(bits >> 32) + " AND l.objid = " + std::to_string(bits & 0xffffffff));
  return fail(Errc::kBusy, "another session writes " + place_.text() +
                               (who && !who->empty() ? " (" + *who + ")" : std::string()));
}

Result<void> PgSession::begin(Begin how) {
  SLUICE_TRY(ensure());
  auto begun = send_begin(how);
  if (begun)
    in_transaction_ = true;
  else
    connection_.reset();  // what is queued must not become a part of something else
  return begun;
}

Result<void> PgSession::send_begin(Begin how) {
  // First of all: what is sent in one go with it is in the same transaction, whose isolation cannot
  // be chosen later.
  SLUICE_TRY(connection_->send_text(
      how == Begin::kSnapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN"));
  for (const std::string& name : std::exchange(forgotten_, {}))
    SLUICE_TRY(connection_->send_text("DEALLOCATE " + name));
  SLUICE_TRY(before_send());
  // What a crash takes goes with its position, and is read again.
  if (how == Begin::kWrite)
    SLUICE_TRY(connection_->send_text("SET LOCAL synchronous_commit = off"));
  return {};
}

Result<void> PgSession::commit() {
  if (!in_transaction_) return fail(Errc::kInternal, "there is no transaction to commit");
  SLUICE_TRY(ensure());
  SLUICE_TRY(connection_->send_text("COMMIT"));
  const auto done = receive();
  if (!done) return done.error();
  in_transaction_ = false;
  if (done->command() == "COMMIT") return {};
  return fail(Errc::kInternal, "the transaction was rolled back: a statement in it had failed");
}

void PgSession::rollback() {
  if (!std::exchange(in_transaction_, false)) return;
  failed_ = false;
  timeout_ms_ = -1;  // a SET goes back with the transaction
  if (!connection_ || connection_->lost()) return;
  const auto until = steady_clock::now() + kRollbackTimeout;
  (void)connection_->receive(until);
  if (connection_->lost()) return;
  const auto sent = connection_->send_text("ROLLBACK");
  if (!sent || !connection_->receive(until)) connection_.reset();
}

void PgSession::forget_statement(std::uint64_t generation, std::string name) {
  if (generation == generation_) forgotten_.push_back(std::move(name));
}

Result<void> PgSession::before_send() {
  std::int64_t wanted = kStatementTimeout.count();
  if (deadline_) {
    const auto left = std::chrono::ceil<milliseconds>(*deadline_ - steady_clock::now());
    if (left.count() <= 0) return fail(Errc::kLimit, "the time for it is over");
    wanted = std::min<std::int64_t>(wanted, left.count());
  }
  // A transaction in which a statement failed takes nothing but the way back to a savepoint.
  if (failed_) return {};
  // A little more than is left does no harm: the next statement gets less.
  if (wanted <= timeout_ms_ && timeout_ms_ - wanted < kTimeoutSlackMs) return {};
  SLUICE_TRY(connection_->send_text("SET statement_timeout = " + std::to_string(wanted)));
  timeout_ms_ = wanted;
  return {};
}

Result<void> PgSession::after_post() {
  if (connection_->queued() < kQueuedMax && connection_->queued_bytes() < kQueuedBytesMax)
    return {};
  const auto done = receive();
  if (!done) return done.error();
  return {};
}

Result<pg::Rows> PgSession::receive() {
  auto rows = connection_->receive(answers_by());
  failed_ = !rows && in_transaction_;
  if (!rows) timeout_ms_ = -1;  // the SET may not have run
  return rows;
}

}  // namespace sluice::projection
