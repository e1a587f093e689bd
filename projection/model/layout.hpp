// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "projection/database/target.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// Where in a row of a model's table each thing lies: the key, the columns, and the hidden columns
// that remember whose event a value is of (sql.hpp).
struct Layout {
  explicit Layout(const Table& table);

  static constexpr std::size_t kNone = SIZE_MAX;
  TableShape shape;
  std::size_t columns = 0;                // the first of Table::columns; the key lies before it
  std::vector<std::size_t> latest_at;     // of each group: the winner's time
  std::vector<std::size_t> latest_by;     //   and its tie-break
  std::vector<std::size_t> latest_order;  //   and its epoch's order; kNone in a shared table
  std::vector<std::size_t> set_order;     // of each of Table::columns; kNone: it is never set
  std::vector<std::size_t> list;          // of each of Table::columns: behind it; kNone: no list
  std::size_t row_order = kNone;          // in a table whose rows are deleted
};

// The watermarks of all windows with a bound: how far event time has come in each lane, as the
// table's own events have told it. The last of the evaluator's tables, if the model needs it.
TableShape watermark_shape();
bool needs_watermarks(const Model& model);

}  // namespace sluice::projection
