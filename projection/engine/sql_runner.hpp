// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/gate/gate.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// The statements of the user's own ([[on]]) for single events, each within a savepoint of the
// batch's transaction. Whoever calls has rows in memory: they must be in the database before
// execute(), and what touched() names must be forgotten after it. One thread.
class SqlRunner {
 public:
  // kBadRequest: the database does not take a statement; it names the place in the model file.
  static core::Result<std::unique_ptr<SqlRunner>> open(const Model& model, Target& target);

  // Reads what the event gives to the statements that are about it; false: none is. kBadRequest:
  // the event is outside the value domain. The event must stay until execute().
  core::Result<bool> read(const Applied& applied);
  core::Result<void> begin();  // sets the savepoint
  // Empty: done. Else why a statement failed; then the database is as it was at begin(). Errors are
  // those of the medium.
  core::Result<std::string> execute();
  // Indexes into Model::tables(), of the event at hand.
  const std::vector<std::size_t>& touched() const { return touched_; }

 private:
  struct Step {
    const SqlRule* rule;
    std::unique_ptr<Statement> statement;
    std::vector<Value> values;
    bool due = false;
  };
  explicit SqlRunner(Target& target) : target_(target) {}

  Target& target_;
  std::vector<Step> steps_;
  std::vector<std::size_t> touched_;
  Extractor extractor_;
  std::unique_ptr<Statement> savepoint_;
  std::unique_ptr<Statement> release_;
};

}  // namespace sluice::projection
