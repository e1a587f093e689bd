// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/model.hpp"
#include "projection/value.hpp"

namespace sluice::projection {

struct QueryFilter {
  enum class Op : std::uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kIsNull, kNotNull };
  std::string column;
  Op op = Op::kEq;
  std::string value;  // as text, read as the column's type (parse_cell)
};

struct QueryOrder {
  std::string column;
  bool descending = false;
};

struct QueryRequest {
  std::string table;                // a table or a view of the model
  std::vector<std::string> fields;  // empty: all
  std::vector<QueryFilter> filters;
  std::vector<QueryOrder> order;  // the key follows as tie-break; NULLs come first when ascending
  std::size_t limit = 100;        // 1 to 10,000
  std::string cursor;             // from the page before, with the same request
};

struct QueryColumn {
  std::string name;
  std::optional<Type> type;  // unknown for a view's computed column
  bool key = false;
};

struct QueryPage {
  std::vector<QueryColumn> columns;
  std::vector<std::vector<Cell>> rows;
  std::string next_cursor;  // empty: this was the last page
};

struct QueryTable {
  std::string name;
  bool view = false;
  std::vector<QueryColumn> columns;
};

// Reads a model's tables and views over a connection of its own that can write nothing. Names are
// looked up in the model and values are bound: no text of a request becomes SQL. One caller at a
// time, from any thread; beside the engine's writes.
class Query {
 public:
  // The engine must have made the file.
  static core::Result<std::unique_ptr<Query>> open(std::shared_ptr<const Model> model,
                                                   const std::filesystem::path& file);
  virtual ~Query() = default;

  virtual const std::vector<QueryTable>& tables() const = 0;
  // kNotFound: no such table; kBadRequest with the field; kLimit: it took longer than `deadline`.
  virtual core::Result<QueryPage> run(const QueryRequest& request,
                                      std::chrono::milliseconds deadline) = 0;
};

}  // namespace sluice::projection
