// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "projection/database/pg_session.hpp"
#include "projection/database/target.hpp"

namespace sluice::projection {

// A prepared statement: contract in target.hpp. A value is sent in the type that the server found
// for its parameter.
class PgStatement final : public Statement {
 public:
  PgStatement(PgSession& session, std::string sql) : session_(session), sql_(std::move(sql)) {}
  ~PgStatement() override;
  core::Result<void> prepare();

  Statement& set(int parameter, const Value& value) override;
  core::Result<bool> step() override;
  core::Result<std::uint64_t> run() override;
  core::Result<void> post() override;
  void reset() override;
  Value value(int column) const override;
  int columns() const override { return static_cast<int>(types_.columns.size()); }

 private:
  core::Result<void> send();
  core::Result<void> execute();  // send() and its answer
  core::Result<void> encode(std::size_t parameter, const Value& value);

  PgSession& session_;
  const std::string sql_;
  std::string name_;
  std::uint64_t generation_ = 0;
  pg::Connection::Description types_;
  bool binary_ = true;
  std::vector<Value> values_;
  pg::Parameters parameters_;
  pg::Rows rows_;
  int row_ = -1;  // -1: it has not run
  mutable std::vector<std::string> scratch_;
};

}  // namespace sluice::projection
