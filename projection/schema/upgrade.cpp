// SPDX-License-Identifier: Apache-2.0
#include "projection/schema/upgrade.hpp"

#include <algorithm>
#include <array>

#include "projection/model/sql.hpp"
#include "projection/schema/tables.hpp"

namespace sluice::projection {
namespace {

using core::Result;

// The first two formats were SQLite's alone.

// The epochs that are known stand in the order in which they were first seen.
constexpr const char* kGateTables = R"sql(
ALTER TABLE _sluice_gate ADD COLUMN epoch_order INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _sluice_gate ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;
CREATE TEMP TABLE _epochs AS
  SELECT gateway, epoch, row_number() OVER (PARTITION BY gateway ORDER BY min(id)) AS place
  FROM _sluice_gate GROUP BY gateway, epoch;
CREATE UNIQUE INDEX temp._epochs_key ON _epochs (gateway, epoch);
UPDATE _sluice_gate SET epoch_order = (SELECT place FROM temp._epochs AS e
  WHERE e.gateway = _sluice_gate.gateway AND e.epoch = _sluice_gate.epoch);
DROP TABLE temp._epochs;
ALTER TABLE _sluice_held ADD COLUMN clock_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _sluice_parked ADD COLUMN clock_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE _sluice_totals ADD COLUMN old_epoch INTEGER NOT NULL DEFAULT 0;
)sql";

// Each hub stream has its own row of totals; what was counted before belongs to none.
constexpr const char* kTotals = R"sql(
CREATE TABLE _sluice_totals_3 (
  hub_stream TEXT PRIMARY KEY, applied INTEGER NOT NULL, refused INTEGER NOT NULL,
  last_event_ns INTEGER NOT NULL, old_epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO _sluice_totals_3
  SELECT '', applied, refused, last_event_ns, old_epoch FROM _sluice_totals;
DROP TABLE _sluice_totals;
ALTER TABLE _sluice_totals_3 RENAME TO _sluice_totals;
CREATE TABLE _sluice_fence (hub_stream TEXT PRIMARY KEY, token INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kSettled = R"sql(
CREATE INDEX _sluice_parked_stream ON _sluice_parked (gateway, category, entity, id);
CREATE TABLE _sluice_settled (
  id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, lane INTEGER NOT NULL, epoch TEXT NOT NULL,
  seq INTEGER NOT NULL, applied INTEGER NOT NULL, reason TEXT NOT NULL, at_ns INTEGER NOT NULL
) STRICT;
)sql";

constexpr const char* kPlaces = R"sql(
ALTER TABLE _sluice_settled ADD COLUMN place_epoch $text NOT NULL DEFAULT '';
ALTER TABLE _sluice_settled ADD COLUMN place_next $int NOT NULL DEFAULT 0;
ALTER TABLE _sluice_settled ADD COLUMN done $int NOT NULL DEFAULT 1;
CREATE INDEX _sluice_settled_event ON _sluice_settled (gateway, lane, epoch, seq);
)sql";

// Of the waits that were ended without giving anything up, an epoch that is open before its
// predecessor is complete tells.
constexpr const char* kSkipped = R"sql(
ALTER TABLE _sluice_settled ADD COLUMN category $text NOT NULL DEFAULT '';
ALTER TABLE _sluice_settled ADD COLUMN type $text NOT NULL DEFAULT '';
INSERT INTO _sluice_skipped (gateway, lane, epoch, first, last, reason, at_ns, done)
  SELECT g.gateway, g.lane, g.epoch, a.first, a.last, substr(a.reason, 10), 0, 1
  FROM _sluice_absent AS a JOIN _sluice_gate AS g ON g.id = a."row"
  WHERE a.reason LIKE 'skipped: %';
INSERT INTO _sluice_skipped (gateway, lane, epoch, first, last, reason, at_ns, done)
  SELECT s.gateway, s.lane, s.epoch, 0, 0, 'by an older program', 0, 1
  FROM _sluice_gate AS s LEFT JOIN _sluice_gate AS p
    ON p.gateway = s.gateway AND p.lane = s.lane AND p.epoch = s.previous
  WHERE s.state = 2 AND s.start = 0 AND s.previous <> ''
    AND (p.id IS NULL OR p.state <> 2 OR p.next <= s.previous_last);
)sql";

// What came between what until now was not kept: epoch after epoch is only likely.
constexpr const char* kRuns = R"sql(
ALTER TABLE _sluice_gate ADD COLUMN running $int NOT NULL DEFAULT 0;
ALTER TABLE _sluice_settled ADD COLUMN newest $int NOT NULL DEFAULT 0;
INSERT INTO _sluice_run ("row", first, late)
  SELECT id, first, 2 FROM _sluice_gate WHERE state = 2 AND next > first ORDER BY epoch_order, id;
)sql";

Result<void> add_order(Target& target, const Model& model) {
  SLUICE_TRY(target.exec(kGateTables));
  // What the rows hold so far counts as older than whatever comes.
  for (const Table& table : model.tables())
    for (const std::string& column : sql::order_columns(table))
      SLUICE_TRY(target.exec("ALTER TABLE " + sql::quoted(table.name) + " ADD COLUMN " +
                             sql::quoted(column) + " INTEGER"));
  return {};
}

}  // namespace

Result<void> upgrade_schema(Target& target, const Model& model) {
  const auto format =
      query_text(target, "SELECT CAST(value AS TEXT) FROM _sluice_meta WHERE name = 'format'");
  const auto fingerprint =
      query_text(target, "SELECT value FROM _sluice_meta WHERE name = 'fingerprint'");
  constexpr std::array kOlder = {"1", "2", "3", "4"};
  if (!format || !fingerprint || *fingerprint != model.fingerprint() ||
      std::find(kOlder.begin(), kOlder.end(), *format) == kOlder.end())
    return {};
  auto transaction = Transaction::begin(target, Begin::kSynced);
  if (!transaction) return transaction.error();
  if (*format == "1") SLUICE_TRY(add_order(target, model));
  if (*format < "3") SLUICE_TRY(target.exec(kTotals));
  if (*format < "3") SLUICE_TRY(target.exec(kSettled));
  if (*format < "4") SLUICE_TRY(target.exec(in_dialect(kPlaces, target.dialect())));
  if (*format < "4") SLUICE_TRY(target.exec(changed_table(target.dialect())));
  SLUICE_TRY(target.exec(skipped_table(target.dialect())));
  SLUICE_TRY(target.exec(in_dialect(kSkipped, target.dialect())));
  SLUICE_TRY(target.exec(runs_table(target.dialect())));
  SLUICE_TRY(target.exec(in_dialect(kRuns, target.dialect())));
  SLUICE_TRY(target.exec("UPDATE _sluice_meta SET value = '" + std::to_string(kSchemaFormat) +
                         "' WHERE name = 'format'"));
  return transaction->commit();
}

}  // namespace sluice::projection
