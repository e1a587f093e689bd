// SPDX-License-Identifier: Apache-2.0
#include "sqlite/transaction.hpp"

#include <utility>

namespace sluice::sqlite {

core::Result<Transaction> Transaction::begin(Database& database) {
  SLUICE_TRY(database.exec("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  rollback();
}

core::Result<void> Transaction::commit() {
  const auto done = database_->exec("COMMIT");
  if (!done) return done.error();
  database_ = nullptr;
  return {};
}

void Transaction::rollback() {
  Database* database = std::exchange(database_, nullptr);
  // SQLite itself may have rolled back (a full disk, an I/O error): a second ROLLBACK is an error.
  if (database != nullptr && database->in_transaction()) (void)database->exec("ROLLBACK");
}

}  // namespace sluice::sqlite
