// SPDX-License-Identifier: Apache-2.0
#include "projection/schema_upgrade.hpp"

#include "projection/sql.hpp"
#include "sqlite/transaction.hpp"

namespace sluice::projection {
namespace {

using core::Result;

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

Result<void> add_order(sqlite::Database& database, const Model& model) {
  SLUICE_TRY(database.exec(kGateTables));
  // What the rows hold so far counts as older than whatever comes.
  for (const Table& table : model.tables())
    for (const std::string& column : sql::order_columns(table))
      SLUICE_TRY(database.exec("ALTER TABLE " + sql::quoted(table.name) + " ADD COLUMN " +
                               sql::quoted(column) + " INTEGER"));
  return {};
}

}  // namespace

Result<void> upgrade_schema(sqlite::Database& database, const Model& model) {
  const auto format = database.query_text("SELECT value FROM _sluice_meta WHERE name = 'format'");
  const auto fingerprint =
      database.query_text("SELECT value FROM _sluice_meta WHERE name = 'fingerprint'");
  if (!format || *format != "1" || !fingerprint || *fingerprint != model.fingerprint()) return {};
  auto transaction = sqlite::Transaction::begin(database);
  if (!transaction) return transaction.error();
  SLUICE_TRY(add_order(database, model));
  SLUICE_TRY(database.exec("UPDATE _sluice_meta SET value = '" + std::to_string(kSchemaFormat) +
                           "' WHERE name = 'format'"));
  return transaction->commit();
}

}  // namespace sluice::projection
