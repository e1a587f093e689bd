// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "hub/feed/need_desk.hpp"
#include "hub/fleet/report_keeper.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {
class PullConsumer;
struct Pulled;
}  // namespace sluice::nats

namespace sluice::hub {

// The thread that follows the gateways' reports (the KV bucket's hub stream, each gateway's last
// first) and publishes what the NeedDesk finds due. A missing bucket is looked for again every few
// seconds; needs go out meanwhile.
class ReportWatch {
 public:
  ReportWatch(ReportKeeper& keeper, NeedDesk& needs, const core::Clock& clock, core::Logger& log,
              nats::ConnectionOptions connection, std::function<void(const core::Error&)> fatal);
  ~ReportWatch();
  void start();
  void stop();  // asks the thread to end
  void join();  // waits for it

  bool connected() const { return connected_.load(); }
  std::string last_error() const;
  std::uint64_t alive_ns() const { return alive_ns_.load(); }

 private:
  void run();
  core::Result<void> session();
  core::Result<void> take_reports(nats::PullConsumer& consumer);
  void take(const nats::Pulled& pulled);
  void pause(std::chrono::milliseconds wait);
  void note_error(const core::Error& error);

  ReportKeeper& keeper_;
  NeedDesk& needs_;
  const core::Clock& clock_;
  core::Logger& log_;
  const nats::ConnectionOptions connection_;
  std::function<void(const core::Error&)> fatal_;

  core::SystemRandom random_;  // the thread's own
  std::string last_logged_;    // the thread's own

  std::atomic<bool> stopping_{false};
  std::atomic<bool> connected_{false};
  std::atomic<std::uint64_t> alive_ns_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string last_error_;
  std::thread thread_;
};

}  // namespace sluice::hub
