// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/model/model.hpp"
#include "projection/value/value.hpp"

namespace sluice::projection {

struct CellDifference {
  std::string column;
  Cell expected;  // none where the row is absent
  Cell found;
};

struct RowDifference {
  enum class Kind : std::uint8_t {
    kChanged,  // in both, with the cells that differ
    kMissing,  // expected, not found
    kExtra,    // found, not expected
  };
  Kind kind = Kind::kChanged;
  std::string table;
  std::vector<Cell> key;
  std::vector<CellDifference> cells;  // kMissing, kExtra: every column behind the key
};
std::string_view kind_word(RowDifference::Kind kind);  // "changed", "missing", "extra"

// The rows of one table in the order of its key, read page by page so that memory stays small.
// Visible columns only, the key first. Within the caller's snapshot, or each page its own instant.
class TableRows {
 public:
  static core::Result<TableRows> open(Target& target, const Table& table);
  // nullptr: that was the last. The row stays until the next call.
  core::Result<const std::vector<Cell>*> next();

 private:
  TableRows() = default;
  core::Result<void> load();
  const Table* table_ = nullptr;
  std::unique_ptr<Statement> first_;
  std::unique_ptr<Statement> further_;
  std::vector<std::vector<Cell>> page_;
  std::size_t at_ = 0;
  bool begun_ = false;
  bool last_page_ = false;
};

// The row with this key; nullopt if there is none.
class RowFinder {
 public:
  static core::Result<RowFinder> open(Target& target, const Table& table);
  core::Result<std::optional<std::vector<Cell>>> find(std::span<const Cell> key);

 private:
  const Table* table_ = nullptr;
  std::unique_ptr<Statement> select_;
};

struct TableDiff {
  std::uint64_t rows = 0;  // that were compared: in either
  std::uint64_t differing = 0;
};
// Compares one table of two databases of the same definition. `wants` says which keys take part
// (empty: all), `tell` hears of every row that differs, in the order of the key. Sums of real
// numbers may differ by rounding (1e-9 of them), since gateways have no order among themselves; all
// else is compared exactly.
core::Result<TableDiff> compare_table(Target& expected, Target& found, const Table& table,
                                      const std::function<bool(std::span<const Cell>)>& wants,
                                      const std::function<core::Result<void>(RowDifference)>& tell);

// Whether two cells of a column are the same, as above.
bool same_cell(const Table& table, std::size_t column, const Cell& a, const Cell& b);

}  // namespace sluice::projection
