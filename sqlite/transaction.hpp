// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "sqlite/database.hpp"

namespace sluice::sqlite {

// A write transaction (BEGIN IMMEDIATE), rolled back unless committed. A failed commit leaves its
// outcome unknown (after SQLITE_IOERR_FSYNC the rows can come back after a crash): look at the
// error, never at the rows.
class Transaction {
 public:
  static core::Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  core::Result<void> commit();
  void rollback();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace sluice::sqlite
