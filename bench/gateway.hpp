// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {

// A gateway of its own: folders, configuration, and the real programs.
class Gateway {
 public:
  struct Options {
    std::string nats_url = "nats://127.0.0.1:9";  // nobody is there
    std::string uplink = {};                      // further lines of [uplink]
    std::string more = {};                        // further sections
  };
  Gateway() : Gateway(Options{}) {}
  explicit Gateway(const Options& options);
  ~Gateway() { stop(); }

  double start();  // sluiced; gives the seconds from its start to READY=1
  void start_uplink();
  void stop_uplink();
  void stop();

  std::filesystem::path log_folder() const { return folder_ / "state/log"; }
  std::filesystem::path socket() const { return folder_ / "run/ingest.sock"; }
  pid_t pid() const { return sluiced_->pid(); }
  pid_t uplink_pid() const { return uplink_->pid(); }

 private:
  test::TempDir folder_;
  std::optional<test::Process> sluiced_;
  std::optional<test::Process> uplink_;
};

}  // namespace sluice::bench
