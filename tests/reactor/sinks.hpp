// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A real HTTP receiver and a real mail server (sinks.py), which keep what they take. Failures throw
// std::runtime_error.
class Sinks {
 public:
  explicit Sinks(std::vector<std::string> options = {});

  std::string http_url(const std::string& path) const;
  std::string smtp_url() const;
  // {"/path": [503, {"status": 429, "retry_after": 1}, 200]}: see sinks.py.
  void answers(const std::string& json) const;
  std::vector<core::json::object> received() const;
  std::vector<core::json::object> received(const std::string& path_or_mail) const;
  void kill() { process_->kill(); }

 private:
  TempDir folder_;
  std::unique_ptr<Process> process_;
  std::string http_port_;
  std::string smtp_port_;
};

}  // namespace sluice::test
