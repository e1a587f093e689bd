// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "projection/gate/gate.hpp"
#include "projection/model/definition.hpp"

// What a `*.model.toml` file says, checked (docs/models.md). Immutable after loading; any thread.
namespace sluice::projection {

class Model {
 public:
  // kConfig with one line per error, each with file, line and column.
  static core::Result<std::shared_ptr<const Model>> load(const std::string& path);
  static core::Result<std::shared_ptr<const Model>> parse(std::string_view toml,
                                                          const std::string& file);

  // No rules, no tables: for an engine whose sink (event_sink.hpp) decides what follows. History:
  // available. The same for ever, so that what the sink does may change.
  static std::shared_ptr<const Model> without_rules(std::string name);

  const std::string& name() const { return name_; }  // [a-z][a-z0-9-]{0,47}
  std::int64_t version() const { return version_; }
  History history() const { return history_; }
  const std::vector<Table>& tables() const { return tables_; }
  const std::vector<View>& views() const { return views_; }
  const std::vector<SqlRule>& sql_rules() const { return sql_rules_; }
  // Where it lives; no part of the definition.
  Dialect target() const { return target_; }
  const std::string& text() const { return text_; }  // the whole file
  const std::string& file() const { return file_; }
  // "machine-temperature-v1.db": the name that a database of this model and version should have.
  std::string database_name() const;

  // `where`, applied after the gate. All of it stands in a message's subject.
  bool wants(std::string_view gateway, core::Lane lane, std::string_view category,
             std::string_view type) const;

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
  std::vector<core::Lane> lanes_;
  std::vector<Table> tables_;
  std::vector<SqlRule> sql_rules_;
  std::vector<View> views_;
  Dialect target_ = Dialect::kSqlite;
  std::string file_;
  std::string text_;
  std::vector<std::string> warnings_;
};

}  // namespace sluice::projection
