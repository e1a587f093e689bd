// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/lock_out.hpp"

#include <algorithm>
#include <thread>

#include "core/random.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
using projection::Target;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kPatience{3'000};
constexpr milliseconds kEachMax{200};  // who reads anew waits behind us for so long
constexpr std::uint64_t kPauseMs = 50;

// What others have of the schema; text that a login may not see is absent.
constexpr const char* kWho =
    "SELECT string_agg(DISTINCT format('process %s (%s)%s', l.pid, concat_ws(', ', 'user ' ||"
    " a.usename, nullif(a.application_name, '')), ', in a transaction since ' ||"
    " to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')), '; ')"
    " FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid"
    " WHERE l.granted AND l.pid <> pg_backend_pid() AND n.nspname = ?1"
    " AND c.relname <> '_sluice_versions' AND l.database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())";

Result<milliseconds> deadlock_timeout(Target& target) {
  const auto found = projection::query_int(
      target, "SELECT setting::bigint FROM pg_settings WHERE name = 'deadlock_timeout'");
  if (!found) return found.error();
  return milliseconds(*found);
}

std::string limits(const std::string& each, const std::string& all) {
  return "SET LOCAL lock_timeout = " + each + "; SET LOCAL statement_timeout = " + all;
}

// Once. On an error the transaction is where it was.
Result<void> try_once(Target& target, const LockTimes& times, const std::string& usual,
                      const std::string& statement) {
  SLUICE_TRY(target.exec("SAVEPOINT lock_out; " + limits(std::to_string(times.each.count()),
                                                         std::to_string(times.all.count()))));
  auto done = target.exec(statement);
  if (done) return target.exec(usual + "; RELEASE SAVEPOINT lock_out");
  // It also gives up what was locked, and what was set.
  SLUICE_TRY(target.exec("ROLLBACK TO SAVEPOINT lock_out; RELEASE SAVEPOINT lock_out"));
  return done;
}

std::string who_has(Target& target, const std::string& schema) {
  const auto asked = target.prepare(kWho);
  if (!asked) return {};
  (*asked)->bind(1, std::string_view(schema));
  const auto row = (*asked)->step();
  return row && *row && !(*asked)->is_null(0) ? std::string((*asked)->text(0)) : std::string();
}

}  // namespace

LockTimes lock_times(milliseconds deadlock_timeout) {
  const auto each = std::clamp(deadlock_timeout / 4, milliseconds(1), kEachMax);
  return {each, 2 * each};
}

Result<void> lock_out(Target& target, const std::string& schema, const std::string& statement) {
  const auto circle = deadlock_timeout(target);
  if (!circle) return circle.error();
  const auto each = projection::query_text(target, "SHOW lock_timeout");
  if (!each) return each.error();
  const auto all = projection::query_text(target, "SHOW statement_timeout");
  if (!all) return all.error();
  const std::string usual = limits("'" + *each + "'", "'" + *all + "'");
  const LockTimes times = lock_times(*circle);
  core::SystemRandom random;
  const auto until = steady_clock::now() + kPatience;
  std::string who;
  for (;;) {
    const auto done = try_once(target, times, usual, statement);
    if (done) return {};
    const Errc code = done.error().code;
    if (code != Errc::kBusy && code != Errc::kLimit) return done;  // kLimit: all its locks' time
    if (auto now = who_has(target, schema); !now.empty()) who = std::move(now);
    if (steady_clock::now() > until)
      return fail(Errc::kBusy, "others read schema " + schema + " and do not let go of it" +
                                   (who.empty() ? std::string() : ": " + who) +
                                   "; end their transactions (" + done.error().message + ")");
    std::this_thread::sleep_for(milliseconds(kPauseMs + random.below(2 * kPauseMs)));
  }
}

}  // namespace sluice::hub
