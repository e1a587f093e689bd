// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "projection/gate.hpp"
#include "projection/place.hpp"
#include "projection/value.hpp"

// What a `*.model.toml` file says, checked (docs/models.md). Immutable after loading; any thread.
namespace sluice::projection {

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
    kDay,   // time; kTime is occurred_at, else the gateway's clock
    kLate,  // bool: the event's epoch is not the gateway's newest
  };
  Kind kind = Kind::kConstant;
  Cell constant;
  std::vector<std::string> path;
  std::string text;  // as written: "$gateway", ".a.b"
};

struct Column {
  std::string name;
  Type type = Type::kText;
  std::optional<Cell> fallback;  // `default`; without one a new row holds NULL
  Source source;                 // key columns only
};

enum class Operator : std::uint8_t { kSet, kInc, kMin, kMax, kLatest };
std::string_view operator_word(Operator op);

struct Operation {
  Operator op = Operator::kSet;
  std::size_t column = 0;        // index into Table::columns
  std::size_t latest_group = 0;  // kLatest: columns of one group share the winner's time
  Source source;
};

// One [[table.x.on]].
struct Rule {
  std::vector<std::string> types;
  std::vector<std::string> categories;  // empty: all but Sluice's own
  bool create = true;                   // false: only rows that exist are changed
  bool remove = false;                  // delete
  std::vector<Operation> operations;
  std::uint32_t line = 0;
};

struct Table {
  std::string name;
  bool shared = false;  // the key may be without the gateway
  std::vector<Column> key;
  std::vector<Column> columns;
  std::vector<Rule> rules;
  std::size_t latest_groups = 0;
};

struct View {
  std::string name;
  std::string sql;
  std::vector<std::pair<std::string, Type>> types;  // of columns, where the file says so
  std::vector<std::string> columns;                 // as SQLite names them
  struct {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  } where;  // of the text of the SELECT
};

class Model {
 public:
  // kConfig with one line per error, each with file, line and column.
  static core::Result<std::shared_ptr<const Model>> load(const std::string& path);
  static core::Result<std::shared_ptr<const Model>> parse(std::string_view toml,
                                                          const std::string& file);

  const std::string& name() const { return name_; }  // [a-z][a-z0-9-]{0,47}
  std::int64_t version() const { return version_; }
  History history() const { return history_; }
  const std::vector<Table>& tables() const { return tables_; }
  const std::vector<View>& views() const { return views_; }
  const std::string& file() const { return file_; }
  // "machine-temperature-v1.db": the name that a database of this model and version should have.
  std::string database_name() const;

  // `where`, applied after the gate.
  bool wants(std::string_view gateway, std::string_view category, std::string_view type) const;

  // What makes two definitions the same: everything but comments, order of sections and
  // description. A stable text.
  std::string fingerprint() const;
  // For people: what each event does to which row, in words; and the SQL for one kind of database.
  std::string explain() const;
  std::string explain(Dialect dialect) const;
  // What is allowed but seldom meant, each as "file:line:column: warning: ...".
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class ModelParser;
  std::string name_;
  std::int64_t version_ = 1;
  History history_ = History::kWhole;
  std::vector<std::string> gateways_;  // a trailing '*' stands for any ending
  std::vector<std::string> categories_;
  std::vector<std::string> types_;
  std::vector<Table> tables_;
  std::vector<View> views_;
  std::string file_;
  std::vector<std::string> warnings_;
};

}  // namespace sluice::projection
