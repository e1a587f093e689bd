// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/process.hpp"

namespace sluice::test {

// One gateway as real processes: sluiced and sluice-uplink on one state folder. One thread.
class Edge {
 public:
  // Everything of it is under `folder`.
  Edge(std::filesystem::path folder, std::string gateway, const std::string& nats_url);

  void start();  // both
  void start_sluiced();
  void start_uplink();
  void kill();  // both, SIGKILL
  std::optional<Process>& sluiced() { return sluiced_; }
  std::optional<Process>& uplink() { return uplink_; }

  const std::string& gateway() const { return gateway_; }
  std::filesystem::path state_folder() const { return folder_ / "state"; }
  std::filesystem::path log_folder() const { return folder_ / "state/log"; }
  std::filesystem::path ingest_socket() const { return folder_ / "run/ingest.sock"; }
  std::string logs() const;  // the end of each program's own log

 private:
  std::filesystem::path folder_;
  std::string gateway_;
  std::optional<Process> sluiced_;
  std::optional<Process> uplink_;
};

// The last few KB of a file, empty if there is none.
std::string last_lines(const std::filesystem::path& file);

}  // namespace sluice::test
