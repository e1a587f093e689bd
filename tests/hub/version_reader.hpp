// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "hub/versions/version_id.hpp"
#include "tests/hub/hub_program.hpp"

namespace sluice::test {

// A version of the model "pumps" whose view `sums` has one row per gateway: two counts of its
// events, which agree in any one instant, and the version. With `rows` there is a table `events` as
// well, a row for each with the count of its effects.
std::string summed_model(int version, const std::string& history = "whole", bool rows = true);

// Asks for `sums` of one gateway again and again, and writes down each answer that must never be:
// an empty one, two instants or two versions in one, less than before, an older version than
// before.
class VersionReader {
 public:
  // `target` answers with one row.
  explicit VersionReader(const HubProgram& hub, std::string target = "/v1/models/pumps/sums")
      : hub_(hub), target_(std::move(target)), thread_([this] { run(); }) {}
  ~VersionReader() { stop(); }
  void stop();

  std::uint64_t answers() const { return answers_; }
  std::uint64_t refused() const { return refused_; }  // while the program is down, or has just come
  std::uint64_t wrong_answers() const { return wrong_answers_; }
  std::string wrong() const;  // in words, the first of them
  hub::VersionId version() const;
  void may_go_back();  // an older version than before is right, once

 private:
  void run();
  void look(const http::Response& answer);

  const HubProgram& hub_;
  const std::string target_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> answers_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> wrong_answers_{0};
  mutable std::mutex mutex_;
  hub::VersionId version_;
  bool may_go_back_ = false;
  bool was_down_ = false;  // since the last answer
  std::int64_t count_ = 0;
  std::string wrong_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace sluice::test
