// SPDX-License-Identifier: Apache-2.0
#include "projection/database/sqlite_target.hpp"

#include "projection/database/sqlite_rows.hpp"
#include "projection/database/sqlite_statement.hpp"
#include "sqlite/careful_vfs.hpp"
#include "sqlite/database.hpp"
#include "sqlite/guard.hpp"
#include "sqlite/reads_only.hpp"

namespace sluice::projection {
namespace {

using core::Result;

constexpr int kCacheKib = 16 * 1024;
constexpr int kBusyTimeoutMs = 5000;

class SqliteTarget final : public Target {
 public:
  SqliteTarget(Place place, sqlite::Database database)
      : place_(std::move(place)), database_(std::move(database)) {}

  const Place& place() const override { return place_; }

  Result<std::vector<std::string>> tables() override {
    std::vector<std::string> out;
    auto rows = database_.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
    if (!rows) return rows.error();
    for (;;) {
      const auto row = rows->step();
      if (!row) return row.error();
      if (!*row) return out;
      out.emplace_back(rows->text(0));
    }
  }

  Result<void> exec(const std::string& sql) override {
    if (const auto done = database_.exec(sql); !done) return sqlite_error(database_, done.error());
    return {};
  }

  Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override {
    auto statement = prepare_sqlite(database_, sql);
    if (!statement) return statement.error();
    return std::unique_ptr<Statement>(std::move(*statement));
  }

  Result<std::unique_ptr<RowStore>> rows(const TableShape& shape) override {
    return open_sqlite_rows(database_, shape);
  }

  Result<void> claim() override { return {}; }

  Result<void> begin(Begin how) override {
    // The pragma does nothing within a transaction.
    if (how != Begin::kSnapshot && (how == Begin::kSynced) != synced_) {
      SLUICE_TRY(exec(how == Begin::kSynced ? "PRAGMA synchronous = FULL"
                                            : "PRAGMA synchronous = NORMAL"));
      synced_ = how == Begin::kSynced;
    }
    return exec(how == Begin::kSnapshot ? "BEGIN" : "BEGIN IMMEDIATE");
  }

  Result<void> commit() override { return exec("COMMIT"); }

  void rollback() override {
    // SQLite itself may have rolled back (a full disk, an I/O error): a second ROLLBACK is an
    // error.
    if (database_.in_transaction()) (void)database_.exec("ROLLBACK");
  }

  Result<void> lock(std::span<const std::string>) override { return {}; }

  void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) override {
    deadline_.reset();
    if (!deadline) return;
    const auto left = *deadline - std::chrono::steady_clock::now();
    deadline_.emplace(database_, std::chrono::ceil<std::chrono::milliseconds>(left));
  }

  void allow_only_selects() override { sqlite::allow_only_reads(database_, kInternalPrefix); }

 private:
  const Place place_;
  sqlite::Database database_;
  std::optional<sqlite::Deadline> deadline_;
  bool synced_ = false;
};

}  // namespace

Result<std::unique_ptr<Target>> open_sqlite(const Place& place, Access access) {
  sqlite::OpenOptions options;
  options.busy_timeout_ms = kBusyTimeoutMs;
  if (access == Access::kWrite) {
    options.cache_kib = kCacheKib;
    // What is built here is built again elsewhere, at another time.
    if (const char* vfs = sqlite::timeless_vfs()) options.vfs = vfs;
  }
  auto database = sqlite::Database::open(
      place.file,
      access == Access::kWrite ? sqlite::OpenMode::kCreate : sqlite::OpenMode::kReadOnly, options);
  if (!database) return database.error();
  sqlite::take_double_quotes_for_names(*database);
  if (access == Access::kRead) {
    SLUICE_TRY(database->exec("PRAGMA query_only = 1"));
  } else {
    SLUICE_TRY(database->set_pragma("journal_mode", "wal", "wal"));
    // A lost batch is read again with its position: only an operator's word needs a sync.
    SLUICE_TRY(database->set_pragma("synchronous", "NORMAL", "1"));
    SLUICE_TRY(database->exec("PRAGMA journal_size_limit = 67108864"));
  }
  return std::unique_ptr<Target>(std::make_unique<SqliteTarget>(place, std::move(*database)));
}

}  // namespace sluice::projection
