// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "projection/database/target.hpp"
#include "projection/query/query.hpp"

namespace sluice::projection {

// Reads from the engine's own tables how far a model is, within the transaction of a query.
class ReachReader {
 public:
  static core::Result<ReachReader> prepare(Target& target);

  core::Result<std::vector<QueryPosition>> positions();
  core::Result<std::int64_t> last_event_ns();
  core::Result<Reached> reached(const core::Identity& event);

 private:
  struct Row {
    std::int64_t id = 0;
    core::Seq first = 0;
    core::Seq next = 0;
  };
  core::Result<std::optional<Row>> row_of(const core::Identity& event);
  core::Result<bool> any(Statement& statement);

  std::unique_ptr<Statement> positions_;
  std::unique_ptr<Statement> last_event_;
  std::unique_ptr<Statement> row_;
  std::unique_ptr<Statement> successor_;
  std::unique_ptr<Statement> parked_;
  std::unique_ptr<Statement> absent_;
};

}  // namespace sluice::projection
