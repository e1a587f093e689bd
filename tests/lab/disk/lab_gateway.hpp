// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "tests/lab/disk/acknowledged.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A real sluiced, and if asked a real sluice-uplink, whose state lies on the disk under test; its
// sockets, configuration and journal lie elsewhere. Category `fire` goes to lane alarm, `film` to
// bulk. One thread.
class LabGateway {
 public:
  struct Options {
    std::string log = {};       // further lines of [log], and sections after it
    std::string nats_url = {};  // empty: no uplink
    std::vector<std::string> environment = {};
  };
  LabGateway(std::filesystem::path state, Options options);

  // Starts sluiced and waits until it takes events. Its own words if it does not.
  std::string start();
  void start_uplink();
  void kill();  // all of it
  bool running() { return sluiced_ && sluiced_->running(); }
  Process& sluiced() { return *sluiced_; }

  std::filesystem::path ingest_socket() const { return folder_ / "run/ingest.sock"; }
  std::filesystem::path http_socket() const { return folder_ / "run/http.sock"; }
  std::filesystem::path config() const { return config_; }
  core::json::value status() const;  // null if it does not answer
  // Every event of its log, lane by lane, Sluice's own left out. Throws std::runtime_error if a
  // page cannot be read or a seq is missing.
  std::vector<Found> read_all() const;
  std::string journal() const;  // of sluiced, from the last start on

 private:
  TempDir folder_;
  std::filesystem::path config_;
  Options options_;
  std::optional<Process> sluiced_;
  std::optional<Process> uplink_;
};

}  // namespace sluice::test
