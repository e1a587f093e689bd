// SPDX-License-Identifier: Apache-2.0
#include "projection/schema.hpp"

#include "projection/schema_upgrade.hpp"
#include "projection/sql.hpp"
#include "sqlite/transaction.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr int kCacheKib = 16 * 1024;

// The engine's own tables, told in docs/models.md.
constexpr const char* kInternalTables = R"sql(
CREATE TABLE _sluice_meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE _sluice_totals (
  one INTEGER PRIMARY KEY CHECK (one = 1), applied INTEGER NOT NULL, refused INTEGER NOT NULL,
  last_event_ns INTEGER NOT NULL, old_epoch INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO _sluice_totals VALUES (1, 0, 0, 0, 0);
CREATE TABLE _sluice_position (
  hub_stream TEXT PRIMARY KEY, created TEXT NOT NULL, sequence INTEGER NOT NULL,
  msg_id TEXT NOT NULL, next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE _sluice_gate (
  id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, lane INTEGER NOT NULL, epoch TEXT NOT NULL,
  state INTEGER NOT NULL, start INTEGER NOT NULL, first INTEGER NOT NULL, next INTEGER NOT NULL,
  previous TEXT NOT NULL, previous_last INTEGER NOT NULL, wake_at INTEGER NOT NULL,
  held INTEGER NOT NULL, held_gaps INTEGER NOT NULL, absent INTEGER NOT NULL,
  since_ns INTEGER NOT NULL, since_hub_seq INTEGER NOT NULL,
  unstored_hub TEXT, unstored_hub_seq INTEGER, unstored_seq INTEGER,
  epoch_order INTEGER NOT NULL DEFAULT 0, aside INTEGER NOT NULL DEFAULT 0,
  UNIQUE (gateway, lane, epoch)
) STRICT;
CREATE INDEX _sluice_gate_unfinished ON _sluice_gate (id)
  WHERE state <> 2 OR held <> 0 OR unstored_hub IS NOT NULL;
CREATE INDEX _sluice_gate_waiting ON _sluice_gate (gateway, lane, previous) WHERE state = 1;
CREATE TABLE _sluice_held (
  row INTEGER NOT NULL, seq INTEGER NOT NULL, gap INTEGER NOT NULL, last INTEGER NOT NULL,
  hub_seq INTEGER NOT NULL, seen_ns INTEGER NOT NULL, body BLOB NOT NULL,
  clock_ns INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (row, seq, gap)
) STRICT, WITHOUT ROWID;
CREATE INDEX _sluice_held_gaps ON _sluice_held (row, seq) WHERE gap = 1;
CREATE TABLE _sluice_absent (
  row INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (row, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE _sluice_parked (
  id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, lane INTEGER NOT NULL, epoch TEXT NOT NULL,
  seq INTEGER NOT NULL, category TEXT NOT NULL, entity TEXT NOT NULL, type TEXT NOT NULL,
  kind TEXT NOT NULL, why TEXT NOT NULL, hub_seq INTEGER NOT NULL, parked_ns INTEGER NOT NULL,
  body BLOB NOT NULL, clock_ns INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway, lane, epoch, seq)
) STRICT;
CREATE TABLE _sluice_refused (
  id INTEGER PRIMARY KEY, hub_stream TEXT NOT NULL, hub_seq INTEGER NOT NULL,
  subject TEXT NOT NULL, msg_id TEXT NOT NULL, why TEXT NOT NULL, at_ns INTEGER NOT NULL,
  UNIQUE (hub_stream, hub_seq, msg_id)
) STRICT;
CREATE TABLE _sluice_audit (
  id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
)sql";

Result<void> put(sqlite::Database& database, std::string_view name, const std::string& value) {
  auto statement = database.prepare("INSERT INTO _sluice_meta VALUES (?1, ?2)");
  if (!statement) return statement.error();
  return statement->bind(1, name).bind(2, std::string_view(value)).run();
}

Result<std::string> get(sqlite::Database& database, const std::string& name) {
  return database.query_text("SELECT value FROM _sluice_meta WHERE name = '" + name + "'");
}

Result<void> create(sqlite::Database& database, const Model& model) {
  auto transaction = sqlite::Transaction::begin(database);
  if (!transaction) return transaction.error();
  SLUICE_TRY(database.exec(kInternalTables));
  for (const Table& table : model.tables())
    SLUICE_TRY(database.exec(sql::create_table(table, Dialect::kSqlite)));
  for (const View& view : model.views()) SLUICE_TRY(database.exec(sql::create_view(view)));
  SLUICE_TRY(put(database, "format", std::to_string(kSchemaFormat)));
  SLUICE_TRY(put(database, "model", model.name()));
  SLUICE_TRY(put(database, "version", std::to_string(model.version())));
  SLUICE_TRY(put(database, "fingerprint", model.fingerprint()));
  return transaction->commit();
}

Result<void> check(sqlite::Database& database, const Model& model) {
  const auto format = get(database, "format");
  const auto name = get(database, "model");
  const auto version = get(database, "version");
  const auto fingerprint = get(database, "fingerprint");
  const std::string file = database.path().string();
  if (!format || !name || !version || !fingerprint)
    return fail(Errc::kConfig, file + " is not a read model's database");
  if (*format != std::to_string(kSchemaFormat))
    return fail(Errc::kUnsupported, file + " has format " + *format + ", this program knows " +
                                        std::to_string(kSchemaFormat));
  if (*name != model.name() || *version != std::to_string(model.version()))
    return fail(Errc::kConfig, file + " belongs to model " + *name + " version " + *version);
  if (*fingerprint != model.fingerprint())
    return fail(Errc::kConfig, model.file() + ": the definition of model " + model.name() +
                                   " has changed since " + file +
                                   " was made: raise its version, and it is built anew");
  return {};
}

}  // namespace

Result<sqlite::Database> open_model_database(const Model& model,
                                             const std::filesystem::path& file) {
  sqlite::OpenOptions options;
  options.busy_timeout_ms = 5000;
  options.cache_kib = kCacheKib;
  auto database = sqlite::Database::open(file, sqlite::OpenMode::kCreate, options);
  if (!database) return database.error();
  SLUICE_TRY(database->set_pragma("journal_mode", "wal", "wal"));
  // A lost batch is read again with its position: only an operator's word needs a sync (engine).
  SLUICE_TRY(database->set_pragma("synchronous", "NORMAL", "1"));
  SLUICE_TRY(database->exec("PRAGMA journal_size_limit = 67108864"));
  const auto tables =
      database->query_int("SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_meta'");
  if (!tables) return tables.error();
  if (*tables == 0) {
    const auto others = database->query_int("SELECT count(*) FROM sqlite_schema");
    if (!others) return others.error();
    if (*others != 0)
      return fail(Errc::kConfig, file.string() + " is a database of something else");
    SLUICE_TRY(create(*database, model));
  }
  SLUICE_TRY(upgrade_schema(*database, model));
  SLUICE_TRY(check(*database, model));
  return database;
}

Result<sqlite::Database> open_model_for_reading(const Model& model,
                                                const std::filesystem::path& file) {
  sqlite::OpenOptions options;
  options.busy_timeout_ms = 5000;
  auto database = sqlite::Database::open(file, sqlite::OpenMode::kReadOnly, options);
  if (!database) return database.error();
  SLUICE_TRY(database->exec("PRAGMA query_only = 1"));
  SLUICE_TRY(check(*database, model));
  return database;
}

}  // namespace sluice::projection
