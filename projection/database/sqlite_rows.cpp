// SPDX-License-Identifier: Apache-2.0
#include "projection/database/sqlite_rows.hpp"

#include "projection/database/sql_rows.hpp"
#include "projection/database/sqlite_statement.hpp"
#include "projection/value/domain.hpp"

namespace sluice::projection {
namespace {

using core::Result;

class SqliteRows final : public RowStore {
 public:
  SqliteRows(sqlite::Database& database, const TableShape& shape)
      : database_(database),
        key_(static_cast<int>(shape.key)),
        columns_(static_cast<int>(shape.columns.size())) {}

  Result<void> prepare(const TableShape& shape) {
    const std::pair<sqlite::Statement*, std::string> all[] = {
        {&load_, sql::load(shape)}, {&store_, sql::store(shape)}, {&erase_, sql::erase(shape)}};
    for (const auto& [statement, text] : all) {
      auto prepared = database_.prepare(text);
      if (!prepared) return sqlite_error(database_, prepared.error());
      *statement = std::move(*prepared);
    }
    return {};
  }

  Result<void> load(std::span<Cell* const> rows, std::vector<bool>& found) override {
    found.assign(rows.size(), false);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const sqlite::Statement::Resetting guard{load_};
      bind(load_, rows[i], key_);
      const auto row = load_.step();
      if (!row) return sqlite_error(database_, row.error());
      if (!*row) continue;
      found[i] = true;
      for (int column = key_; column < columns_; ++column)
        rows[i][column] = within_domain(cell_of(sqlite_value(load_, column - key_)));
    }
    return {};
  }

  Result<void> store(std::span<const Cell* const> rows) override {
    return each(store_, rows, columns_);
  }
  Result<void> erase(std::span<const Cell* const> keys) override {
    return each(erase_, keys, key_);
  }

 private:
  static void bind(sqlite::Statement& statement, const Cell* cells, int count) {
    for (int i = 0; i < count; ++i) bind_sqlite(statement, i + 1, view_of(cells[i]));
  }

  Result<void> each(sqlite::Statement& statement, std::span<const Cell* const> rows, int count) {
    for (const Cell* row : rows) {
      bind(statement, row, count);
      if (const auto done = statement.run(); !done) return sqlite_error(database_, done.error());
    }
    return {};
  }

  sqlite::Database& database_;
  const int key_;
  const int columns_;
  sqlite::Statement load_;
  sqlite::Statement store_;
  sqlite::Statement erase_;
};

}  // namespace

Result<std::unique_ptr<RowStore>> open_sqlite_rows(sqlite::Database& database,
                                                   const TableShape& shape) {
  auto rows = std::make_unique<SqliteRows>(database, shape);
  SLUICE_TRY(rows->prepare(shape));
  return std::unique_ptr<RowStore>(std::move(rows));
}

}  // namespace sluice::projection
