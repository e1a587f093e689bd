// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/logger.hpp"
#include "storage/sealing.hpp"

namespace sluice::storage {

// The second thread: takes finished segments one after the other and seals them.
class Sealer {
 public:
  struct Job {
    core::Lane lane = core::Lane::kTelemetry;
    SealJob segment;
  };
  struct Report {
    core::Lane lane = core::Lane::kTelemetry;
    core::Seq first = 0;
    std::optional<IdFilter> filter;  // set: the indexes are written; empty: the WAL is, too
  };
  // `report` is called on the sealer's thread.
  Sealer(core::Logger& logger, std::string vfs, std::function<void(Report)> report);
  ~Sealer();

  void submit(Job job);
  // Takes a job back, if it has not been begun or waits to be tried again: its file may be removed.
  // True also if there is none; false: it is being worked at.
  bool withdraw(core::Lane lane, core::Seq first);
  void stop();  // ends after the step at hand; the rest is left to the next start

 private:
  void run();
  bool seal(Job& job);  // false: a reader holds it up, try again later

  core::Logger& logger_;
  const std::string vfs_;
  const std::function<void(Report)> report_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::optional<std::pair<core::Lane, core::Seq>> at_work_;
  bool stopping_ = false;
  std::chrono::milliseconds retry_after_{0};  // the sealer thread's alone
  std::thread thread_;
};

}  // namespace sluice::storage
