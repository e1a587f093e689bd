// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_target.hpp"

#include "projection/database/pg_rows.hpp"
#include "projection/database/pg_session.hpp"
#include "projection/database/pg_sql.hpp"
#include "projection/database/pg_statement.hpp"

namespace sluice::projection {
namespace {

using core::Result;

class PgTarget final : public Target {
 public:
  PgTarget(const Place& place, Access access) : session_(place, access) {}
  Result<void> connect() { return session_.ensure(); }

  const Place& place() const override { return session_.place(); }

  Result<std::vector<std::string>> tables() override {
    auto rows = prepare(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?1)");
    if (!rows) return rows.error();
    (*rows)->bind(1, std::string_view(place().schema));
    std::vector<std::string> out;
    for (;;) {
      const auto row = (*rows)->step();
      if (!row) return row.error();
      if (!*row) return out;
      out.emplace_back((*rows)->text(0));
    }
  }

  Result<void> exec(const std::string& sql) override {
    SLUICE_TRY(session_.ensure());
    return session_.connection().script(sql, session_.answers_by());
  }

  Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override {
    auto statement = std::make_unique<PgStatement>(session_, pg_sql::numbered(sql));
    SLUICE_TRY(statement->prepare());
    return std::unique_ptr<Statement>(std::move(statement));
  }

  Result<std::unique_ptr<RowStore>> rows(const TableShape& shape) override {
    return open_pg_rows(session_, shape);
  }

  std::uint64_t session() const override { return session_.generation(); }
  Result<void> begin(Begin how) override { return session_.begin(how); }
  Result<void> commit() override { return session_.commit(); }
  void rollback() override { session_.rollback(); }

  Result<void> lock(std::span<const std::string> names) override {
    if (names.empty()) return {};
    if (!lock_) {
      auto made = prepare("SELECT pg_advisory_xact_lock(k) FROM unnest(?1::bigint[]) AS u(k)");
      if (!made) return made.error();
      lock_ = std::move(*made);
    }
    std::string keys = "{";
    for (const std::string& name : names)
      keys +=
          (keys.size() == 1 ? "" : ",") + std::to_string(pg_sql::lock_key(place().schema, name));
    keys += "}";
    const auto done = lock_->bind(1, std::string_view(keys)).run();
    if (!done) return done.error();
    return {};
  }

  Result<void> claim() override { return session_.claim(); }

  void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) override {
    session_.set_deadline(deadline);
  }

  void allow_only_selects() override {}  // the session reads only

 private:
  PgSession session_;
  std::unique_ptr<Statement> lock_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_postgres(const Place& place, Access access) {
  auto target = std::make_unique<PgTarget>(place, access);
  SLUICE_TRY(target->connect());
  return std::unique_ptr<Target>(std::move(target));
}

}  // namespace sluice::projection
