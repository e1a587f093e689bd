// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "projection/value/place.hpp"
#include "projection/value/value.hpp"

namespace sluice::projection {

// The database of one version of a model, whichever it is: SQLite (sqlite_target.hpp) or PostgreSQL
// (pg/). One connection, one thread at a time, handed from thread to thread at will.
//
// Errors, from every call: kBusy: locked by somebody, or two writers waited for each other: roll
// back, try again; kUnavailable: the database is away; begin() or the next read connects again;
// kLimit: full, or the deadline is over; kBadRequest: the statement or its values are at fault, not
// the medium (raw SQL, a constraint); kTooLarge: a value over the database's limit; kConfig: the
// place cannot be used as it is set up (login, right, encoding); kCorrupt, kIo: the medium.
// After an error inside a transaction only rollback() is allowed, or "ROLLBACK TO" a savepoint.

// A prepared statement. Parameters are ?1 to ?n in both dialects, columns count from 0. Bound text
// and bytes are views that must stay until the statement has run. Must not outlive its Target;
// lives through a lost connection (it is prepared again).
class Statement {
 public:
  virtual ~Statement() = default;

  Statement& bind(int parameter, std::int64_t v) { return set(parameter, Value::of(v)); }
  Statement& bind(int parameter, double v) { return set(parameter, Value::of(v)); }
  Statement& bind(int parameter, std::string_view v) { return set(parameter, Value::of(v)); }
  Statement& bind(int parameter, const char* v) { return bind(parameter, std::string_view(v)); }
  Statement& bind(int parameter, std::string&& v) = delete;  // would dangle
  Statement& bind_blob(int parameter, std::string_view v) {
    return set(parameter, Value::bytes(v));
  }
  Statement& bind_null(int parameter) { return set(parameter, Value::null()); }
  // Bindings stay until they are set again. A bad one shows up when the statement runs.
  virtual Statement& set(int parameter, const Value& value) = 0;

  // True: a row is there. False: done.
  virtual core::Result<bool> step() = 0;
  // Steps to the end, then resets: how many rows were changed.
  virtual core::Result<std::uint64_t> run() = 0;
  // As run(), but the answer may come later: its error is then that of any later call, at the
  // latest of commit(). What is bound was copied when it returns.
  virtual core::Result<void> post() = 0;
  // Ends a half-read statement. Bindings stay.
  virtual void reset() = 0;
  struct Resetting {  // when the scope is left, whatever happened
    Statement& statement;
    ~Resetting() { statement.reset(); }
  };

  // The row at hand, until the next step() or reset(): kNull, kInt (bool, time and all whole
  // numbers), kReal, kText, kBytes.
  virtual Value value(int column) const = 0;
  virtual int columns() const = 0;
  bool is_null(int column) const { return value(column).kind == Value::Kind::kNull; }
  std::int64_t integer(int column) const { return value(column).integer; }
  std::string_view text(int column) const { return value(column).text; }  // bytes as well
};

// How a table's rows look: the key's columns first, none of them NULL.
struct TableShape {
  struct Column {
    std::string name;
    Type type = Type::kText;
  };
  std::string name;
  std::vector<Column> columns;
  std::size_t key = 0;  // how many of `columns`
};

// Rows of one table, many at once. A row is an array of as many cells as the shape has columns; a
// key is the beginning of one. bool and time cells are int64. In a transaction only.
class RowStore {
 public:
  virtual ~RowStore() = default;
  // Fills the cells behind the key of each row that the table has; found[i] says whether. No key
  // twice.
  virtual core::Result<void> load(std::span<Cell* const> rows, std::vector<bool>& found) = 0;
  // Inserts or overwrites, and deletes. No key twice in one call. The error may come later, as with
  // Statement::post(); the cells were copied when it returns.
  virtual core::Result<void> store(std::span<const Cell* const> rows) = 0;
  virtual core::Result<void> erase(std::span<const Cell* const> keys) = 0;
};

enum class Access : std::uint8_t {
  kWrite,  // makes the file, or the schema, if it is absent
  kRead,   // nothing is made, nothing can be written
};

enum class Begin : std::uint8_t {
  kWrite,     // a power cut may take the last such transactions, never part of one, never others
  kSynced,    // on the disk when commit() returns
  kSnapshot,  // reads one instant
};

class Target {
 public:
  static core::Result<std::unique_ptr<Target>> open(const Place& place, Access access);
  virtual ~Target() = default;

  virtual const Place& place() const = 0;
  Dialect dialect() const { return place().dialect(); }

  // Names of the tables and views that lie in the place, of whomever.
  virtual core::Result<std::vector<std::string>> tables() = 0;
  virtual core::Result<void> exec(const std::string& sql) = 0;  // any number of statements
  virtual core::Result<std::unique_ptr<Statement>> prepare(std::string_view sql) = 0;
  virtual core::Result<std::unique_ptr<RowStore>> rows(const TableShape& shape) = 0;

  // Nobody else can claim the place until this connection has ended; claimed again after a
  // reconnect, which so waits for what the lost connection was at. kBusy: somebody has it. SQLite
  // knows one writer at a time in any case.
  virtual core::Result<void> claim() = 0;

  // The number of the connection that begin() left us with. When it has changed, a crash may have
  // taken what was committed without a sync: nothing that was kept in memory holds.
  virtual std::uint64_t session() const { return 0; }

  virtual core::Result<void> begin(Begin how) = 0;
  // kUnavailable, kIo: whether it happened is not known: read the position again.
  virtual core::Result<void> commit() = 0;
  virtual void rollback() = 0;  // nothing without a transaction; never fails, at worst disconnects
  // Waits until no other transaction has any of these names, and has them until this one ends. Sort
  // them, so that two writers cannot wait for each other. SQLite: one writer at a time in any case.
  virtual core::Result<void> lock(std::span<const std::string> names) = 0;

  // Statements that still run at this time fail with kLimit; nullopt: they take what they take.
  virtual void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) = 0;
  // From now on prepare() refuses all but SELECTs, and views that read the engine's own tables, as
  // far as the database can tell.
  virtual void allow_only_selects() = 0;
};

// A transaction that is rolled back unless it was committed.
class Transaction {
 public:
  static core::Result<Transaction> begin(Target& target, Begin how) {
    SLUICE_TRY(target.begin(how));
    return Transaction(target);
  }
  Transaction(Transaction&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() { rollback(); }

  core::Result<void> commit() {
    auto done = target_->commit();
    if (done) target_ = nullptr;
    return done;
  }
  void rollback() {
    if (target_ != nullptr) std::exchange(target_, nullptr)->rollback();
  }

 private:
  explicit Transaction(Target& target) : target_(&target) {}
  Target* target_;
};

// Names with this prefix are the engine's own: models and queries cannot name them.
inline constexpr const char* kInternalPrefix = "_sluice_";

// Each with its text; to be called once.
using StatementPtr = std::unique_ptr<Statement>;
core::Result<void> prepare_all(Target& target,
                               std::initializer_list<std::pair<StatementPtr*, std::string>> all);

// Visits each row of a statement that is bound, and resets it. `visit` gives Result<void>.
template <class Visit>
core::Result<void> each_row(Statement& statement, Visit&& visit) {
  const Statement::Resetting guard{statement};
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) return {};
    SLUICE_TRY(visit(statement));
  }
}

// The first column of the first row, as one statement; kNotFound without a row.
core::Result<std::int64_t> query_int(Target& target, std::string_view sql);
core::Result<std::string> query_text(Target& target, std::string_view sql);

}  // namespace sluice::projection
