// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "projection/engine/engine.hpp"
#include "projection/model/model.hpp"
#include "projection/value/place.hpp"
#include "projection/value/value.hpp"

namespace sluice::projection {

struct QueryFilter {
  // kIn: one of `values`. kPrefix, kContains: text columns, letter by letter, case counts.
  enum class Op : std::uint8_t {
    kEq,
    kNe,
    kLt,
    kLe,
    kGt,
    kGe,
    kIsNull,
    kNotNull,
    kIn,
    kPrefix,
    kContains
  };
  std::string column;
  Op op = Op::kEq;
  std::string value;                     // as text, read as the column's type (parse_cell)
  std::vector<std::string> values = {};  // kIn alone
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
  bool count = false;             // QueryPage::count as well
  // Only if the model has all of these (read your writes); else no rows, and QueryPage::after says
  // how far it is.
  std::vector<core::Identity> after = {};
  // No rows if it says true of the table's state (QueryPage::state).
  std::function<bool(std::uint64_t state)> unless = {};
};

struct QueryColumn {
  std::string name;
  std::optional<Type> type;  // unknown for a view's computed column
  bool key = false;
};

// Where a model stands on one hub stream.
struct QueryPosition {
  std::string hub_stream;
  std::string created;         // as the server writes it
  std::uint64_t sequence = 0;  // highest message read
};

// How far a model is with one event.
struct Reached {
  enum class State : std::uint8_t {
    kNotYet,  // `next` is what its lane needs next; 0: nothing of the epoch was applied yet
    kApplied,
    kParked,       // put aside (docs/models.md): it had no effect
    kGivenUp,      // a gap record or a skip stands in its place
    kBeforeStart,  // history = available, and the model begins behind it
    kLost,         // its epoch went on elsewhere behind `next` - 1: it was lost with a log's tail
  };
  State state = State::kNotYet;
  core::Seq next = 0;
  bool is_reached() const { return state != State::kNotYet && state != State::kLost; }
};

struct QueryPage {
  std::vector<QueryColumn> columns;
  std::vector<std::vector<Cell>> rows;
  std::string next_cursor;             // empty: this was the last page
  std::optional<std::uint64_t> count;  // rows that fit the filters, whatever the page
  // Of the same instant as the rows:
  std::vector<QueryPosition> positions;
  std::int64_t last_event_ns = 0;  // recorded time of the newest applied event; 0: none
  std::vector<Reached> after;      // as QueryRequest::after
  // Another number after each commit that changed the table (of a view: any table), whoever made
  // it, and never the same again for other rows (stamps.hpp).
  std::uint64_t state = 0;
  bool is_known = false;    // QueryRequest::unless said so: there are no rows
  bool is_reached() const;  // all of `after`
};

struct QueryTable {
  std::string name;
  bool view = false;
  std::vector<QueryColumn> columns;
};

// The model's tables and views, as queries see them. Pure.
std::vector<QueryTable> query_tables(const Model& model);

// Reads a model's tables and views over a connection of its own that can write nothing. Names are
// looked up in the model and values are bound: no text of a request becomes SQL. One caller at a
// time, from any thread; beside the engine's writes.
class Query {
 public:
  // The engine must have made the database. kConfig: it is another model's or version's.
  static core::Result<std::unique_ptr<Query>> open(std::shared_ptr<const Model> model,
                                                   const Place& place);
  virtual ~Query() = default;

  virtual const std::vector<QueryTable>& tables() const = 0;
  // One instant of the database. kNotFound: no such table; kBadRequest with the field; kLimit: it
  // took longer than `deadline`; kUnavailable, kBusy: the database is away, try again.
  virtual core::Result<QueryPage> run(const QueryRequest& request,
                                      std::chrono::milliseconds deadline) = 0;

  // As the engine's of these names, for who must not wait for its database longer than `deadline`:
  // then kLimit, else errors as run().
  virtual core::Result<ParkedEvent> parked_event(const core::Identity& event,
                                                 std::chrono::milliseconds deadline) = 0;
  struct Decided {
    std::vector<Decision> decisions;
    std::vector<SkippedHole> skipped;
  };
  virtual core::Result<Decided> decided(std::chrono::milliseconds deadline) = 0;
};

}  // namespace sluice::projection
