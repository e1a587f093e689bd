// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A real PostgreSQL in a scratch cluster, on a Unix socket only. The programs come from
// $SLUICE_POSTGRES_BIN or Debian's newest /usr/lib/postgresql/<version>/bin; PostgreSQL refuses
// root, so as root they run as nobody. A server that does not start throws std::runtime_error with
// its log: never a skip.
class PostgresServer {
 public:
  struct Options {
    bool syncs = false;        // fsync: needed only where the machine itself is to lose power
    std::string config;        // further lines of postgresql.conf
    std::size_t disk_mib = 0;  // a small disk beside, for databases that shall be full; needs root
    bool wal_on_disk = false;  // it holds the write-ahead log instead
  };
  PostgresServer();
  explicit PostgresServer(Options options);
  ~PostgresServer();

  // For libpq: the superuser `sluice`, who needs no password.
  std::string conninfo(const std::string& database = "postgres") const;
  std::string create_database(const std::string& name);  // its conninfo; on the small disk, if any
  // Over psql; what it prints, a row per line, columns divided by '|'. Throws on an error.
  std::string query(const std::string& sql, const std::string& database = "postgres") const;
  std::string log() const;
  std::filesystem::path data() const;
  std::filesystem::path disk() const;

  bool running() { return process_ && process_->running(); }
  void kill();    // SIGKILL to the server and all its backends
  void stop();    // fast shutdown: all is written
  void start();   // again, on the same cluster; waits until it answers
  void pause();   // SIGSTOP to the server and all its backends: nothing answers
  void resume();  // SIGCONT

  // With disk_mib: fills the small disk up to the last page, and makes room again.
  void fill_disk();
  void free_disk();

 private:
  Process::Options as_server() const;
  void signal_all(int number) const;
  void make_cluster();
  void mount_disk();
  std::filesystem::path folder_on_disk(const std::string& name) const;
  void wait_until_ready();

  Options options_;
  TempDir folder_;
  std::unique_ptr<Process> process_;
  bool mounted_ = false;
};

}  // namespace sluice::test
