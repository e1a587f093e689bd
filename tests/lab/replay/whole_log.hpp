// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "storage/event_log.hpp"
#include "tests/lab/replay/lane_check.hpp"
#include "tests/lab/replay/ledger.hpp"

namespace sluice::lab {

// The log as sluiced has it: four lanes, the writer's thread and the sealer's. Used by one thread.
class WholeLog {
 public:
  WholeLog(std::filesystem::path folder, std::uint64_t seed, storage::LogSettings settings);

  core::Result<void> open();
  void stop() { log_.reset(); }
  bool is_open() const { return log_ != nullptr; }
  // The log said that it stopped by itself.
  bool failed() const { return log_ && !log_->failure().empty(); }

  // Waits for the answer. Out of memory in append() itself is a refusal. No answer within 20 s is
  // kInternal: the log hangs.
  core::Result<std::vector<storage::Appended>> append(const storage::AppendRequest& request);

 private:
  std::filesystem::path folder_;
  storage::LogSettings settings_;
  core::SeededRandom random_;
  core::ManualClock clock_;
  core::NullLogger logger_;
  std::unique_ptr<storage::EventLog> log_;
};

// The events of a short life of the whole log; the same seed gives the same. Some go to the alarm
// lane, some to telemetry.
std::vector<storage::AppendRequest> whole_requests(std::uint64_t seed, std::size_t count);

// Starts, appends one request after the other, starts again half-way, stops. A log that stopped is
// started again, what is refused is retried once. `tell` has the number of the request and its
// answer; `hang` what hung, if anything.
void live_whole(WholeLog& log, const std::vector<storage::AppendRequest>& requests,
                const std::function<void(std::size_t, const std::vector<storage::Appended>&)>& tell,
                std::string& hang);

// As check_lane, for the whole log in `folder`.
Verdict check_whole(const std::filesystem::path& folder, const Ledger& ledger, std::size_t time,
                    const CheckOptions& options);

}  // namespace sluice::lab
