// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/query/query.hpp"
#include "projection/value/place.hpp"

// From a request to the SELECT that answers it. Its text holds the model's quoted names, the
// operators' signs and numbered parameters, nothing else. Pure.
namespace sluice::projection {

struct Select {
  std::string text;
  std::vector<Cell> values;          // of ?1, ?2 ...
  std::vector<QueryColumn> columns;  // of the rows; behind them come the cells of `order`
  std::vector<QueryOrder> order;     // as asked, then the key, or all of a view; may be none there
  std::string count_text;            // if the request asks for it: one row with one number
  std::size_t count_values = 0;      // how many of `values`, from the first, it takes
};

// kBadRequest with the field. `table` is the one of request.table.
core::Result<Select> make_select(const QueryTable& table, const QueryRequest& request,
                                 Dialect dialect);

}  // namespace sluice::projection
