// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "sqlite/database.hpp"

namespace sluice::sqlite {

// From now on this connection prepares nothing but SELECTs, and none that name a table whose name
// begins with `hidden_prefix` (a literal: it must outlive the connection) or with "sqlite_".
// Statements that were prepared before stay.
void allow_only_selects(Database& database, const char* hidden_prefix);
void allow_everything(Database& database);

// "x" is a name and never a text. SQLite takes it for a text where there is no such column, so that
// a slip of the pen would go unseen.
void take_double_quotes_for_names(Database& database);

// The names of the columns that `sql` gives. kBadRequest with SQLite's words unless it is exactly
// one statement that only reads. Nothing is run.
core::Result<std::vector<std::string>> check_select(Database& database, std::string_view sql);

// What a statement of a user's own may do: change rows of these tables, but no column whose name
// begins with `hidden_prefix`; read every table but those.
struct Changes {
  const char* hidden_prefix;
  std::vector<std::string> tables;
};
// kBadRequest with SQLite's words unless `sql` is exactly one INSERT, UPDATE or DELETE within
// `allowed` that gives the same result whenever it is run, whose failure undoes it alone (no OR
// ROLLBACK), and whose parameters are all of the form :name. Nothing is run.
core::Result<void> check_change(Database& database, std::string_view sql, const Changes& allowed);

// Statements of this connection fail once the time is over, until the object goes.
class Deadline {
 public:
  Deadline(Database& database, std::chrono::milliseconds time);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool expired() const { return expired_; }

 private:
  static int check(void* self) noexcept;
  Database& database_;
  std::chrono::steady_clock::time_point end_;
  bool expired_ = false;
};

}  // namespace sluice::sqlite
