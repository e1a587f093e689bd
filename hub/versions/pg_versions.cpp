// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>

#include "hub/versions/lock_out.hpp"
#include "hub/versions/version_store.hpp"
#include "projection/database/sql_words.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/engine.hpp"

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

// Who changes the versions has this lock, of its session.
constexpr const char* kKey = "hashtextextended('sluice versions ' || current_schema(), 0)";
constexpr int kTriesToMake = 5;
const std::string kClosed = std::to_string(projection::Engine::kFenceClosed);

// The tables and views of a schema with their columns, without what is the engine's own.
constexpr const char* kShape =
    "SELECT c.relname, a.attname FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname = ?1 AND c.relkind IN ('r', 'v')"
    " AND left(c.relname, 8) <> '_sluice_' AND left(a.attname, 8) <> '_sluice_'"
    " ORDER BY c.relname, a.attnum";

constexpr const char* kRelations =
    "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE n.nspname = ?1 AND c.relkind IN ('r', 'v') ORDER BY c.relname";

class PgVersions final : public VersionStore {
 public:
  PgVersions(std::string conninfo, std::string model)
      : conninfo_(std::move(conninfo)), model_(std::move(model)) {}

  Result<VersionBook> load(std::int64_t now_ns) override {
    SLUICE_TRY(connect());
    auto book = read();
    const bool known = book.has_value();
    if (!known && book.error().code != Errc::kNotFound) return book.error();
    if (!known) book = VersionBook();
    const auto there = schemas();
    if (!there) return there.error();
    // The views and the book change in one transaction, so the book is right.
    const VersionRecord* serving = book->serving();
    const auto id = serving != nullptr ? std::optional(serving->id) : std::nullopt;
    return reconcile(std::move(*book), known, id, *there, now_ns);
  }

  Result<VersionBook> read() override {
    SLUICE_TRY(connect());
    auto text = projection::query_text(*target_, "SELECT book FROM _sluice_versions");
    if (!text) return text.error();
    auto book = read_book(*text);
    if (!book)
      return fail(book.error().code, target_->place().text() + ": " + book.error().message);
    written_ = std::move(*text);
    return book;
  }

  Result<void> enter() override {
    SLUICE_TRY(connect());
    // Who stands still with the lock loses it with the session (PostgreSQL 14 and later).
    (void)target_->exec("SET idle_session_timeout = 60000");
    const auto entered = target_->exec(std::string("SELECT pg_advisory_lock(") + kKey + ")");
    if (entered || entered.error().code != Errc::kBusy) return entered;
    return fail(Errc::kUnavailable, "another program is changing the versions of model " + model_ +
                                        " just now: try again");
  }

  void leave() override {
    let_go();
    if (!target_) return;
    const std::string unlock = std::string("SELECT pg_advisory_unlock(") + kKey + ")";
    // The lock ends with the session at the latest.
    if (!target_->exec(unlock + "; SET idle_session_timeout = 0")) target_.reset();
  }

  Result<void> hold_still(const VersionId& id) override {
    SLUICE_TRY(connect());
    let_go();
    auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
    if (!transaction) return transaction.error();
    // The first thing that each batch writes: those under way end, others do not begin.
    const auto held = target_->exec("LOCK TABLE " + sql::quoted(schema_of(id)) +
                                    "._sluice_fence IN EXCLUSIVE MODE");
    if (!held)
      return held.error().code == Errc::kBusy ? fail(Errc::kUnavailable, held.error().message)
                                              : held.error();
    still_.emplace(std::move(*transaction));
    held_ = id;
    return {};
  }

  void let_go() override { still_.reset(); }

  Result<void> reopen(const VersionId& id) override {
    SLUICE_TRY(connect());
    return target_->exec("DELETE FROM " + sql::quoted(schema_of(id)) +
                         "._sluice_fence WHERE token = " + kClosed);
  }

  Result<void> save(const VersionBook& book) override {
    SLUICE_TRY(connect());
    auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
    if (!transaction) return transaction.error();
    SLUICE_TRY(write(book));
    return commit(*transaction);
  }

  Result<void> serve(const VersionBook& book) override {
    const VersionRecord* serving = book.serving();
    if (serving == nullptr) return fail(Errc::kInternal, "no version is to serve");
    SLUICE_TRY(connect());
    if (!still_) {
      auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
      if (!transaction) return transaction.error();
      still_.emplace(std::move(*transaction));
      held_.reset();
    }
    auto done = switch_views(book, *serving);
    if (done) done = commit(*still_);
    let_go();
    return done;
  }

  Result<void> drop(const VersionId& id) override {
    SLUICE_TRY(connect());
    auto transaction = projection::Transaction::begin(*target_, Begin::kSynced);
    if (!transaction) return transaction.error();
    const std::string schema = schema_of(id);
    const auto there = relations_of(schema);
    if (!there) return there.error();
    if (!there->empty())
      SLUICE_TRY(lock_out(*target_, schema,
                          "LOCK TABLE " + list(schema, *there) + " IN ACCESS EXCLUSIVE MODE"));
    SLUICE_TRY(target_->exec("DROP SCHEMA IF EXISTS " + sql::quoted(schema) + " CASCADE"));
    return transaction->commit();
  }

  Place place(const VersionId& id) const override {
    return Place::postgres(conninfo_, schema_of(id));
  }

  std::uint64_t bytes(const VersionId& /*id*/) const override { return 0; }

 private:
  Result<void> switch_views(const VersionBook& book, const VersionRecord& serving) {
    if (held_)  // no token is as high as this
      SLUICE_TRY(target_->exec(
          "INSERT INTO " + sql::quoted(schema_of(*held_)) +
          "._sluice_fence (hub_stream, token) SELECT hub_stream, " + kClosed + " FROM " +
          sql::quoted(schema_of(*held_)) +
          "._sluice_position ON CONFLICT (hub_stream) DO UPDATE SET token = " + kClosed));
    SLUICE_TRY(write(book));
    const std::string schema = schema_of(serving.id);
    const auto fresh = shape_of(schema);
    if (!fresh) return fresh.error();
    const auto old = shape_of(model_);
    if (!old) return old.error();
    // A start that changes nothing is in no reader's way. Views and book change together.
    if (*old == *fresh && served() == serving.id) return {};
    std::string made;
    for (const auto& [name, columns] : *fresh)
      made += "CREATE VIEW " + sql::quoted(model_) + "." + sql::quoted(name) + " AS SELECT " +
              columns + " FROM " + sql::quoted(schema) + "." + sql::quoted(name) + ";";
    std::vector<std::string> names;
    for (const auto& [name, columns] : *old) names.push_back(name);
    // Last: from here on readers wait.
    if (!names.empty()) SLUICE_TRY(lock_out(*target_, model_, "DROP VIEW " + list(model_, names)));
    return target_->exec(made);
  }

  static std::string list(const std::string& schema, const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names)
      out += (out.empty() ? "" : ", ") + sql::quoted(schema) + "." + sql::quoted(name);
    return out;
  }

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
    auto made = open();
    // Programs that make schema and table at once: PostgreSQL refuses all but one of them at either
    // step, and the others then find it.
    for (int tries = 1; !made && made.error().code == Errc::kBadRequest && tries < kTriesToMake;
         ++tries)
      made = open();
    return made;
  }

  Result<void> open() {
    auto target = Target::open(Place::postgres(conninfo_, model_), Access::kWrite);
    if (!target) return target.error();
    SLUICE_TRY((*target)->exec(kTable));
    target_ = std::move(*target);
    return {};
  }

  Result<void> write(const VersionBook& book) {
    writing_ = write_book(book);
    if (writing_ == written_) return {};  // a start that changes nothing needs no room on the disk
    const auto statement = target_->prepare(
        "INSERT INTO _sluice_versions (one, book) VALUES (1, ?1)"
        " ON CONFLICT (one) DO UPDATE SET book = excluded.book WHERE _sluice_versions.book = ?2");
    if (!statement) return statement.error();
    const auto written =
        (*statement)->bind(1, std::string_view(writing_)).bind(2, std::string_view(written_)).run();
    if (!written) return written.error();
    if (*written != 0) return {};
    return fail(Errc::kUnavailable, "another program has changed the versions of model " + model_ +
                                        " meanwhile: look again");
  }

  Result<void> commit(projection::Transaction& transaction) {
    SLUICE_TRY(transaction.commit());
    written_ = writing_;
    return {};
  }

  Result<std::vector<VersionId>> schemas() {
    // Whoever was killed before he had made it leaves a schema with nothing in it.
    const auto rows = target_->prepare(
        "SELECT nspname FROM pg_namespace AS n"
        " WHERE EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid)");
    if (!rows) return rows.error();
    std::vector<VersionId> out;
    for (;;) {
      const auto row = (*rows)->step();
      if (!row) return row.error();
      if (!*row) return out;
      if (const auto id = id_of((*rows)->text(0))) out.push_back(*id);
    }
  }

  // Tables and views, the engine's own as well.
  Result<std::vector<std::string>> relations_of(const std::string& schema) {
    const auto rows = target_->prepare(kRelations);
    if (!rows) return rows.error();
    (*rows)->bind(1, std::string_view(schema));
    std::vector<std::string> out;
    SLUICE_TRY(projection::each_row(**rows, [&](projection::Statement& row) -> Result<void> {
      out.emplace_back(row.text(0));
      return {};
    }));
    return out;
  }

  // As the database has it.
  std::optional<VersionId> served() const {
    const auto book = read_book(written_);
    if (!book || book->serving() == nullptr) return std::nullopt;
    return book->serving()->id;
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
  std::string written_;  // the book as it was read or written last
  std::string writing_;
  std::optional<projection::Transaction> still_;  // of hold_still(); ends before the target
  std::optional<VersionId> held_;
};

}  // namespace

std::unique_ptr<VersionStore> postgres_versions(std::string conninfo, std::string model) {
  return std::make_unique<PgVersions>(std::move(conninfo), std::move(model));
}

}  // namespace sluice::hub
