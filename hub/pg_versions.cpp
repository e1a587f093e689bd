// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "hub/version_store.hpp"
#include "projection/sql.hpp"
#include "projection/target.hpp"

namespace sluice::hub {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using projection::Access;
using projection::Begin;
using projection::Place;
using projection::Target;
namespace sql = projection::sql;

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS _sluice_versions"
    " (one bigint PRIMARY KEY CHECK (one = 1), book text NOT NULL)";

// The tables and views of a schema with their columns, without what is the engine's own.
constexpr const char* kShape =
    "SELECT c.relname, a.attname FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname = ?1 AND c.relkind IN ('r', 'v')"
    " AND left(c.relname, 8) <> '_sluice_' AND left(a.attname, 8) <> '_sluice_'"
    " ORDER BY c.relname, a.attnum";

class PgVersions final : public VersionStore {
 public:
  PgVersions(std::string conninfo, std::string model)
      : conninfo_(std::move(conninfo)), model_(std::move(model)) {}

  Result<VersionBook> load(std::int64_t now_ns) override {
    SLUICE_TRY(connect());
    auto text = projection::query_text(*target_, "SELECT book FROM _sluice_versions");
    if (!text && text.error().code != Errc::kNotFound) return text.error();
    VersionBook book;
    if (text) {
      auto read = read_book(*text);
      if (!read)
        return fail(read.error().code, target_->place().text() + ": " + read.error().message);
      book = std::move(*read);
    }
    const auto there = schemas();
    if (!there) return there.error();
    // The views and the book change in one transaction, so the book is right.
    const VersionRecord* serving = book.serving();
    const auto id = serving != nullptr ? std::optional(serving->id) : std::nullopt;
    return reconcile(std::move(book), text.has_value(), id, *there, now_ns);
  }

  Result<void> save(const VersionBook& book) override {
    SLUICE_TRY(connect());
    auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
    if (!transaction) return transaction.error();
    SLUICE_TRY(write(book));
    return transaction->commit();
  }

  Result<void> serve(const VersionBook& book) override {
    const VersionRecord* serving = book.serving();
    if (serving == nullptr) return fail(Errc::kInternal, "no version is to serve");
    SLUICE_TRY(connect());
    auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
    if (!transaction) return transaction.error();
    const auto old = shape_of(model_);
    if (!old) return old.error();
    for (const auto& [name, columns] : *old)
      SLUICE_TRY(target_->exec("DROP VIEW " + sql::quoted(model_) + "." + sql::quoted(name)));
    const std::string schema = schema_of(serving->id);
    const auto fresh = shape_of(schema);
    if (!fresh) return fresh.error();
    for (const auto& [name, columns] : *fresh)
      SLUICE_TRY(target_->exec("CREATE VIEW " + sql::quoted(model_) + "." + sql::quoted(name) +
                               " AS SELECT " + columns + " FROM " + sql::quoted(schema) + "." +
                               sql::quoted(name)));
    SLUICE_TRY(write(book));
    return transaction->commit();
  }

  Result<void> drop(const VersionId& id) override {
    SLUICE_TRY(connect());
    return target_->exec("DROP SCHEMA IF EXISTS " + sql::quoted(schema_of(id)) + " CASCADE");
  }

  Place place(const VersionId& id) const override {
    return Place::postgres(conninfo_, schema_of(id));
  }

  std::uint64_t bytes(const VersionId& /*id*/) const override { return 0; }

 private:
  std::string schema_of(const VersionId& id) const {
    return model_ + "__v" + std::to_string(id.version) +
           (id.generation == 1 ? "" : "_" + std::to_string(id.generation));
  }

  std::optional<VersionId> id_of(std::string_view schema) const {
    if (!schema.starts_with(model_ + "__v")) return std::nullopt;
    std::string text(schema.substr(model_.size() + 3));
    if (const auto at = text.find('_'); at != std::string::npos) text[at] = '.';
    return VersionId::parse(text);
  }

  Result<void> connect() {
    if (target_) return {};
    auto target = Target::open(Place::postgres(conninfo_, model_), Access::kWrite);
    if (!target) return target.error();
    SLUICE_TRY((*target)->exec(kTable));
    target_ = std::move(*target);
    return {};
  }

  Result<void> write(const VersionBook& book) {
    const auto statement = target_->prepare(
        "INSERT INTO _sluice_versions (one, book) VALUES (1, ?1)"
        " ON CONFLICT (one) DO UPDATE SET book = excluded.book");
    if (!statement) return statement.error();
    const std::string text = write_book(book);
    const auto written = (*statement)->bind(1, std::string_view(text)).run();
    if (!written) return written.error();
    return {};
  }

  Result<std::vector<VersionId>> schemas() {
    const auto rows = target_->prepare("SELECT nspname FROM pg_namespace");
    if (!rows) return rows.error();
    std::vector<VersionId> out;
    for (;;) {
      const auto row = (*rows)->step();
      if (!row) return row.error();
      if (!*row) return out;
      if (const auto id = id_of((*rows)->text(0))) out.push_back(*id);
    }
  }

  // Name -> its columns as a SELECT takes them.
  Result<std::map<std::string, std::string>> shape_of(const std::string& schema) {
    const auto rows = target_->prepare(kShape);
    if (!rows) return rows.error();
    (*rows)->bind(1, std::string_view(schema));
    std::map<std::string, std::string> out;
    for (;;) {
      const auto row = (*rows)->step();
      if (!row) return row.error();
      if (!*row) return out;
      std::string& columns = out[std::string((*rows)->text(0))];
      columns += (columns.empty() ? "" : ", ") + sql::quoted((*rows)->text(1));
    }
  }

  const std::string conninfo_;
  const std::string model_;
  std::unique_ptr<Target> target_;
};

}  // namespace

std::unique_ptr<VersionStore> postgres_versions(std::string conninfo, std::string model) {
  return std::make_unique<PgVersions>(std::move(conninfo), std::move(model));
}

}  // namespace sluice::hub
