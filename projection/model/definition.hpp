// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "projection/value/place.hpp"
#include "projection/value/value.hpp"

// The parts of a model's definition (docs/models.md), as plain values. Made by the parser, never
// changed afterwards.
namespace sluice::projection {

struct Lookup;
struct Window;

// Where a value comes from.
struct Source {
  enum class Kind : std::uint8_t {
    kConstant,
    kField,  // `constant`; the data field at `path`
    kGateway,
    kCategory,
    kEntity,
    kStream,
    kType,
    kLane,
    kEpoch,
    kId,  // text
    kSeq,
    kVersion,  // int
    kTime,
    kRecorded,
    kHour,
    kDay,     // time; kTime is occurred_at, else the gateway's clock
    kLate,    // bool: the event's epoch is not the gateway's newest
    kWindow,  // time: the beginning of the event's window, `window`
    kLookup,  // `lookup`: a column of a row of another table
  };
  Kind kind = Kind::kConstant;
  Cell constant;
  std::vector<std::string> path;
  std::string text;  // as written: "$gateway", ".a.b"; of a lookup all that it says
  std::shared_ptr<const Window> window;
  std::shared_ptr<const Lookup> lookup;
};

struct FilePlace {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// A value out of a row of a table that stands above in the file, as it was before the event.
struct Lookup {
  enum class Missing : std::uint8_t {
    kSkip,   // the rule takes no part
    kPark,   // the event is outside the value domain
    kNull,   // NULL; not in a key
    kValue,  // `value`
  };
  std::size_t table = 0;  // index into Model::tables()
  bool in_key = false;    // `column` counts Table::key, else Table::columns
  std::size_t column = 0;
  std::vector<Source> key;           // one for each key column of that table
  Missing missing = Missing::kPark;  // no such row, or NULL in it
  Cell value;
  bool any_order = false;  // order = "arrival"
  FilePlace where;
};

// A tumbling window: $window is the beginning of `of`'s window, counted from 1970.
struct Window {
  enum class Beyond : std::uint8_t {
    kIgnore,  // takes no part in the table
    kPark,    // the whole event is parked; its stream does not wait
    kCount,   // only adds 1 to `column` of its window's row
  };
  Source of;  // a time
  std::int64_t size_ns = 0;
  // How far an event's time may lie behind the watermark of its (gateway, epoch, lane).
  std::optional<std::int64_t> late_ns;
  Beyond beyond = Beyond::kIgnore;
  std::size_t column = 0;
};

// A question about an event, or about the row that its rule is about to change.
struct Condition {
  enum class Kind : std::uint8_t { kAll, kAny, kNot, kExists, kCompare, kIn };
  enum class Compare : std::uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };
  Kind kind = Kind::kAll;
  std::vector<Condition> parts;  // kAll, kAny; kNot has one
  // kExists, kCompare, kIn: what is asked about
  std::optional<std::size_t> column;  // of the row, index into Table::columns; else `source`
  Source source;
  std::optional<Type> type;  // how a field is read; without one as what it is
  Compare compare = Compare::kEq;
  std::vector<Source> values;  // kCompare: one; kIn: constants
  std::vector<Type> types;     // of `values`' constants
  bool asks_row() const;
};

// What one element of a list holds: one value without a name, or several with.
struct ListItem {
  std::string name;
  Type type = Type::kText;
};

struct Column {
  std::string name;
  Type type = Type::kText;
  std::optional<Cell> fallback;  // `default`; without one a new row holds NULL
  Source source;                 // key columns only
  std::vector<ListItem> items;   // kList only
  std::size_t limit = 0;         // kList only: the newest so many stay
};

// kCount adds 1 if the value is there; kAppend keeps the newest values by $time.
enum class Operator : std::uint8_t { kSet, kInc, kMin, kMax, kLatest, kDec, kCount, kAppend };
std::string_view operator_word(Operator op);

struct Operation {
  Operator op = Operator::kSet;
  std::size_t column = 0;        // index into Table::columns
  std::size_t latest_group = 0;  // kLatest: columns of one group share the winner's time
  Source source;
  std::vector<Source> items;  // kAppend: one for each Column::items; `source` is unused
  FilePlace where;
};

// One [[table.x.on]].
struct Rule {
  std::vector<std::string> types;
  std::vector<std::string> categories;  // empty: all but Sluice's own
  std::optional<Condition> when;
  bool create = true;   // false: only rows that exist are changed
  bool remove = false;  // delete
  std::vector<Operation> operations;
  FilePlace where;
};

struct Table {
  std::string name;
  bool shared = false;     // the key may be without the gateway
  bool any_order = false;  // order = "arrival": allowed to depend on it
  bool in_line = false;    // all events that can change one row come from one lane of one gateway
  std::vector<Column> key;
  std::vector<Column> columns;
  std::vector<Rule> rules;
  std::shared_ptr<const Window> window;
  std::size_t latest_groups = 0;
  FilePlace where;
};

// A text of SQL for each kind of database.
struct SqlText {
  std::string sqlite;
  std::string postgres;
  const std::string& of(Dialect dialect) const {
    return dialect == Dialect::kSqlite ? sqlite : postgres;
  }
  FilePlace where;
};

// One [[on]]: a statement of the user's own for each event that fits, after the tables' rules.
struct SqlRule {
  struct Argument {
    std::string name;
    Type type = Type::kText;
    Source source;
  };
  std::vector<std::string> types;
  std::vector<std::string> categories;
  std::optional<Condition> when;
  SqlText text;                      // as written, with :names
  SqlText numbered;                  // with ?1 to ?n in the order of `arguments`
  std::vector<Argument> arguments;   // an absent field is bound as NULL
  std::vector<std::size_t> touches;  // indexes into Model::tables(): all that it may change
};

struct View {
  std::string name;
  SqlText sql;
  std::vector<std::pair<std::string, Type>> types;  // of columns, where the file says so
  std::vector<std::string> columns;                 // as SQLite names them
};

}  // namespace sluice::projection
