// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "hub/deeds/audit.hpp"
#include "hub/verify/verify.hpp"
#include "hub/verify/verify_record.hpp"
#include "hub/versions/model_shelf.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::hub {

// Verifies the serving versions of models, one after the other, on a thread of its own with little
// claim to the processor: when asked, and by the clock. What came of it is an event of stream
// hub/<name> (ModelVerified, ModelDiffers), and is kept until the next time, or until another
// version serves. Any thread.
class VerifyDesk {
 public:
  struct Settings {
    std::filesystem::path scratch;       // a folder of its own: emptied at the start
    std::filesystem::path kept;          // another: what was found, from one start to the next
    std::chrono::milliseconds interval;  // of each model, give or take a tenth; 0: never by itself
    std::uint64_t sample = 0;            // rows, when by itself; 0: all
    nats::ConnectionOptions connection;
    // With other workers: whether it is this one's turn to verify by the clock. Empty: always.
    std::function<bool()> has_turn = {};
  };
  enum class State : std::uint8_t {
    kNever,
    kWaiting,
    kRunning,
    kGood,
    kDiffers,
    kUnknown,
    kFailed
  };
  struct Status {
    State state = State::kNever;  // of the newest
    std::string version;          // that was verified
    std::uint64_t sample = 0;
    std::int64_t began_ns = 0;  // wall; 0: not yet
    std::int64_t ended_ns = 0;
    double duration_s = 0;
    std::uint64_t messages = 0;  // read so far
    std::uint64_t total = 0;     // of about so many, while it runs
    std::string error;           // kFailed
    // Of the newest that came to an end, in this life of the program or an earlier one.
    std::shared_ptr<const VerifyRecord> last = {};
  };

  VerifyDesk(const ModelShelf& models, Audit& audit, const core::Clock& clock, core::Logger& log,
             Settings settings);
  ~VerifyDesk();
  void start();
  void stop();  // asks the thread to end; a verification at work is given up
  void join();

  // Puts a model in the queue. kNotFound: no such model; kBusy: it waits or is at work already.
  core::Result<void> ask(std::string_view model, std::uint64_t sample);
  Status status(std::string_view model) const;
  // One version at once, on the caller's thread, without a trace in the status: for a version that
  // is about to be served.
  core::Result<VerifyReport> check(const ModelVersion& version, std::uint64_t sample,
                                   std::function<bool()> stopping) const;

 private:
  struct Asked {
    std::string model;
    std::uint64_t sample = 0;
  };
  void run();
  void one(const Asked& asked);
  void take_down(const std::string& model, const VerifyRecord& record);
  void tell(const std::string& model, const Status& status);
  void ask_by_clock();
  std::uint64_t jittered(double from, double to);
  VerifyRequest request_for(const ModelVersion& version, std::uint64_t sample) const;

  const ModelShelf& models_;
  Audit& audit_;
  const core::Clock& clock_;
  core::Logger& log_;
  const Settings settings_;
  const VerifyShelf shelf_;
  core::SystemRandom random_;  // the thread's

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::deque<Asked> queue_;
  std::map<std::string, Status, std::less<>> status_;
  std::map<std::string, std::uint64_t> due_ns_;  // monotonic; the thread's
  std::thread thread_;
};

std::string_view state_word(VerifyDesk::State state);
// {"state", "at", "sample", "rows", "differences", "unverifiable", "duration_s", ...}: the short
// form of GET /v1/models.
core::json::object status_json(const VerifyDesk::Status& status);

}  // namespace sluice::hub
