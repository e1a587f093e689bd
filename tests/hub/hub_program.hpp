// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "http/client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// The model that these tests read through: `events` has a row per event with a count of its
// effects, `readings` one per gateway and k.
extern const char* const kPumpsModel;

// A sluice-hub of this build with a state folder of its own. Failures throw std::runtime_error.
class HubProgram {
 public:
  struct Options {
    std::string model = kPumpsModel;
    std::string beside = {};  // the text of a second model, if there is one
    std::string more;         // further lines of [hub]
    std::string listen = "127.0.0.1:0";
    std::vector<std::string> environment = {};  // "NAME=value", of each start
  };
  explicit HubProgram(const std::string& nats_url);
  HubProgram(const std::string& nats_url, Options options);

  void start();  // again, with the same files and port; waits until it answers
  void kill() { process_->kill(); }
  int terminate() { return process_->terminate(); }
  Process& process() { return *process_; }
  std::string log() const;  // of all starts
  const TempDir& folder() const { return folder_; }
  std::string address() const;

  http::Response get(const std::string& target, const std::string& token = {}) const;
  http::Response get_with(const std::string& target, const http::Pairs& headers) const;
  http::Response post(const std::string& target, const std::string& body,
                      const std::string& token = {}) const;
  core::json::object json(const std::string& target) const;  // throws unless 200
  // The value of one line of /metrics, -1 if it is not there.
  double metric(const std::string& line_start) const;
  std::size_t row_count(const std::string& target) const;  // rows of one answer
  // Sum over `readings` of n: the number of effects.
  std::int64_t effects() const;

 private:
  http::Client client(const std::string& token) const;
  TempDir folder_;
  std::uint16_t port_;
  std::vector<std::string> environment_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
