// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/pg/connection.hpp"
#include "projection/value/place.hpp"

namespace sluice::projection {

// A PgTarget's session with the server: connects, sets it up, connects again between transactions
// when it was lost, and keeps count of what the server knows of it. Shared by the target, its
// statements and its row stores; one thread at a time.
class PgSession {
 public:
  PgSession(Place place, Access access);

  // Connects if there is no session, never within a transaction. After it connection() is usable.
  core::Result<void> ensure();
  pg::Connection& connection() { return *connection_; }
  // Grows with each connection: what was prepared under another number is gone.
  std::uint64_t generation() const { return generation_; }
  const Place& place() const { return place_; }

  bool in_transaction() const { return in_transaction_; }
  core::Result<void> begin(Begin how);
  core::Result<void> commit();
  void rollback();
  core::Result<void> claim();
  void set_deadline(std::optional<pg::Connection::Deadline> deadline) { deadline_ = deadline; }

  std::string new_name() { return "s" + std::to_string(++names_); }
  void forget_statement(std::uint64_t generation, std::string name);
  // Puts the deadline in force for the statements queued next.
  core::Result<void> before_send();
  // Reads answers early when much is queued.
  core::Result<void> after_post();
  core::Result<pg::Rows> receive();
  pg::Connection::Deadline answers_by() const;

 private:
  core::Result<void> connect();
  core::Result<void> send_begin(Begin how);
  core::Result<void> find_schema();
  core::Result<void> take_claim();
  core::Result<std::string> one_text(const std::string& sql);

  const Place place_;
  const Access access_;
  std::unique_ptr<pg::Connection> connection_;
  std::string application_name_;
  std::uint64_t generation_ = 0;
  std::uint64_t names_ = 0;
  std::vector<std::string> forgotten_;  // prepared statements that nobody needs
  std::optional<pg::Connection::Deadline> deadline_;
  std::int64_t timeout_ms_ = 0;  // the server's statement_timeout; -1: not known
  bool in_transaction_ = false;
  bool failed_ = false;  // a statement of the transaction at hand
  bool claimed_ = false;
};

}  // namespace sluice::projection
