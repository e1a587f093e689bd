// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A real nats-server with JetStream on 127.0.0.1: the binary of $SLUICE_NATS_SERVER, or nats-server
// on PATH. A server that does not start throws std::runtime_error with its log: never a skip.
class NatsServer {
 public:
  struct Options {
    // Further lines of the configuration file (accounts, tls, max_payload ...).
    std::string config;
    // Limit of the JetStream file store, as written in the configuration.
    std::string max_file_store = "8GB";
    std::uint16_t port = 0;  // 0: any
  };
  NatsServer();
  explicit NatsServer(Options options);
  ~NatsServer();

  std::uint16_t port() const { return port_; }
  std::string url() const;              // nats://127.0.0.1:<port>
  std::filesystem::path store() const;  // JetStream's folder
  std::filesystem::path config_file() const;
  std::string log() const;

  bool running() { return process_ && process_->running(); }
  void kill();    // SIGKILL
  void stop();    // SIGTERM, and waits: all is written
  void pause();   // SIGSTOP: connections stay open, nothing answers
  void resume();  // SIGCONT
  void reload();  // SIGHUP: reads its configuration file again
  void start();   // again, on the same port and store; waits until it answers

  // Only while it does not run.
  void delete_store();
  void copy_store(const std::filesystem::path& to) const;
  void restore_store(const std::filesystem::path& from);

 private:
  void write_config();
  void wait_until_ready();

  Options options_;
  TempDir folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
