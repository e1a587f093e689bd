// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/pg/parameters.hpp"
#include "projection/pg/rows.hpp"

struct pg_conn;

namespace sluice::pg {

// The conninfo (key=value or URI) as key=value with the password in it; an empty password changes
// nothing. kConfig, with libpq's words: it is not one.
core::Result<std::string> login(const std::string& conninfo, const std::string& password);

// One session with a PostgreSQL server, always in pipeline mode: send() only queues, receive() asks
// for all answers at once. One thread at a time. No call waits longer than its deadline, whatever
// the server does: one that does not answer in time is left behind (lost()), with kUnavailable.
// Errors as make_error() says; after one inside a transaction block only a ROLLBACK helps.
class Connection {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  struct Options {
    std::string conninfo;  // libpq's, key=value or a URI
    std::string application_name;
    std::chrono::seconds connect_timeout{5};  // per address; at least 2
  };
  // kUnavailable: nobody answers; kConfig: the conninfo, the login or the database's name is wrong.
  static core::Result<std::unique_ptr<Connection>> open(const Options& options);
  ~Connection();

  bool lost() const { return lost_; }
  // Looks without waiting whether the server has ended the session meanwhile.
  bool still_there();
  int server_version() const;                     // 150020 is 15.20
  int backend() const;                            // the process id of the session's server process
  std::string parameter(const char* name) const;  // as the server reported it

  struct Description {
    std::vector<std::uint32_t> parameters;  // their types
    std::vector<std::uint32_t> columns;
  };
  // In the pipeline: waits for all that was queued before as well.
  core::Result<Description> prepare(const std::string& name, const std::string& sql,
                                    Deadline deadline);

  enum class Form : std::uint8_t { kText, kBinary };
  // Queues a run of a prepared statement; what it was given is copied.
  core::Result<void> send(const std::string& name, const Parameters& parameters, Form form);
  core::Result<void> send_text(const std::string& sql);  // one statement without parameters
  std::size_t queued() const { return queued_; }
  std::size_t queued_bytes() const { return queued_bytes_; }
  // Waits for the answers to all that is queued and gives that of the last statement, or the first
  // error; what was queued behind the failed one did not run.
  core::Result<Rows> receive(Deadline deadline);
  // Any number of statements without parameters, outside the pipeline; their rows are thrown away.
  core::Result<void> script(const std::string& sql, Deadline deadline);

 private:
  explicit Connection(pg_conn* handle) : handle_(handle) {}
  core::Error give_up(core::Error error);  // marks the session as lost
  core::Error words() const;               // libpq's own
  core::Result<void> wait(short events, Deadline deadline);
  core::Result<void> flush(Deadline deadline);
  // The next answer; an empty Rows holder at the end of one statement's answers.
  core::Result<struct pg_result*> next(Deadline deadline);
  core::Result<Rows> collect(std::size_t count, Deadline deadline);

  pg_conn* handle_;
  bool lost_ = false;
  std::size_t queued_ = 0;
  std::size_t queued_bytes_ = 0;
};

}  // namespace sluice::pg
