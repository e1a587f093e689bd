// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "bench/workload.hpp"
#include "core/clock.hpp"
#include "core/logger.hpp"
#include "storage/event_log.hpp"

namespace sluice::bench {

// A log of its own, open in this process, without a group's waiting time.
class OpenLog {
 public:
  explicit OpenLog(const std::filesystem::path& folder, const std::string& vfs = {});
  storage::EventLog& operator*() { return *log_; }
  storage::EventLog* operator->() { return log_.get(); }

  void append(std::vector<storage::NewEvent> events);  // and waits for the commit
  // `events` more, in full groups; returns when the sealer has finished their segments.
  void fill(std::uint64_t events, Workload& workload);

 private:
  bool sealing() const;
  std::filesystem::path folder_;
  core::SystemClock clock_;
  core::SystemRandom random_;
  core::NullLogger logger_;
  std::unique_ptr<storage::EventLog> log_;
};

}  // namespace sluice::bench
