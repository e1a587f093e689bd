// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::cli {

// A real sluiced in a scratch folder, and `sluice` pointed at it. Without an uplink the link stays
// unknown.
class Gateway {
 public:
  // `more`: further lines for the configuration.
  explicit Gateway(const std::string& more = {}, const std::string& nats_url = {});
  ~Gateway();

  void start();
  void start_uplink();
  void kill();  // SIGKILL to sluiced
  void stop();  // SIGTERM to both

  // Runs `sluice` with these arguments and this standard input.
  test::Finished sluice(std::vector<std::string> arguments, const std::string& input = {}) const;
  // The same, but does not wait.
  test::Process launch(std::vector<std::string> arguments, const std::string& input = {}) const;

  std::string state() const { return folder_ / "state"; }
  std::string run() const { return folder_ / "run"; }
  std::string config() const { return folder_ / "gateway.toml"; }
  std::string file(const std::string& name, const std::string& content) const {
    return folder_.write(name, content);
  }

 private:
  std::vector<std::string> environment() const;
  test::TempDir folder_;
  std::string nats_url_;
  std::unique_ptr<test::Process> sluiced_;
  std::unique_ptr<test::Process> uplink_;
};

// The documents of an output, one per line.
std::vector<core::json::object> documents(const std::string& out);

}  // namespace sluice::cli
