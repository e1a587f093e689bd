// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/extract.hpp"
#include "projection/gate.hpp"
#include "projection/model.hpp"
#include "projection/sql.hpp"
#include "sqlite/database.hpp"

namespace sluice::projection {

// Runs a model's operations for single events, within the caller's transaction.
class TableWriter {
 public:
  static core::Result<std::unique_ptr<TableWriter>> open(const Model& model,
                                                         sqlite::Database& database);

  // Empty: done, or the model has no rule for it. Else why the event is outside the value domain;
  // then nothing of it was written. Errors are those of the medium.
  core::Result<std::string> run(const Applied& applied);

 private:
  struct Prepared {
    sqlite::Statement statement;  // none: nothing to do
    sql::Change change;
  };
  struct Bound {
    const Table* table;
    const Rule* rule;
    bool can_overflow = false;
    std::vector<std::pair<sql::Mask, std::unique_ptr<Prepared>>> prepared;
    std::vector<std::pair<sql::Mask, std::unique_ptr<Prepared>>> prepared_late;
  };
  // One rule's part of the event at hand.
  struct Step {
    Bound* bound = nullptr;
    sql::Mask mask = 0;
    bool is_late = false;
    std::vector<Value> key;
    std::vector<Value> values;
  };
  struct Names {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  TableWriter(const Model& model, sqlite::Database& database);
  core::Result<void> prepare();
  core::Result<void> extract(Step& step);
  core::Result<Prepared*> statement(Bound& bound, sql::Mask mask, bool is_late);
  // Empty: done; else why the values do not fit.
  core::Result<std::string> execute(Step& step);
  core::Result<std::string> execute_all(std::size_t count);

  sqlite::Database& database_;
  std::vector<std::unique_ptr<Bound>> bounds_;
  boost::unordered_flat_map<std::string, std::vector<Bound*>, Names, std::equal_to<>> by_type_;
  std::int64_t epoch_order_ = 0;  // of the event at hand
  std::vector<Step> steps_;       // kept between events for their memory
  Extractor extractor_;
  sqlite::Statement savepoint_;
  sqlite::Statement release_;
  sqlite::Statement rollback_;
};

}  // namespace sluice::projection
