// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "core/random.hpp"
#include "gateway/ack_desk.hpp"
#include "gateway/clock_watch.hpp"
#include "gateway/ingest_service.hpp"
#include "gateway/log_marks.hpp"
#include "gateway/service_manager.hpp"
#include "gateway/status.hpp"
#include "gateway/went_back.hpp"
#include "http/server.hpp"

namespace sluice::gateway {

// The program: opens the log and the sockets, runs until it is told to end or the log fails, and
// ends in order. Threads: the caller's, which does all I/O with clients, "sluiced-read", and the
// log's own.
class Daemon {
 public:
  Daemon(const Settings& settings, core::Clock& clock, core::Random& random, core::Logger& logger);
  ~Daemon();

  // The exit code: 0 after SIGTERM or SIGINT, 78 for what only another configuration can mend,
  // 1 for anything else that is worth another start.
  int run();

 private:
  core::Result<void> prepare_folders() const;
  core::Result<void> listen();
  void wait_then_open();
  void open_log();
  void give_new_places(const WentBack& what, storage::EventLog& log);
  void tell_fork(std::string_view kind, std::string_view lane, std::string_view words,
                 std::string_view what_to_do);
  void went_back(const std::string& words);
  void tick();
  void pet();
  void stop_on_signal();
  void end(int code);
  void finish();

  const Settings& settings_;
  core::Clock& clock_;
  core::Random& random_;
  core::Logger& logger_;
  boost::asio::io_context io_{1};
  core::SystemRandom answer_random_;  // this thread's; random_ is the log's writer's
  IoQueue queue_{io_};
  LogDesk desk_;
  AckDesk acks_;
  LogMarks marks_{desk_, clock_, logger_};
  ForkBook forks_;
  DeviceWear wear_;
  UplinkService uplink_;
  Status status_;
  IngestService ingest_;
  rpc::Server ingest_server_;
  rpc::Server uplink_server_;
  http::Server http_server_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer opening_;
  boost::asio::steady_timer ticking_;
  boost::asio::steady_timer petting_;
  boost::asio::steady_timer deadline_;
  ServiceManager manager_;
  WriterPulse pulse_{manager_.patience()};
  ClockWatch clock_watch_;
  int draining_ = 0;  // servers that still answer
  bool ending_ = false;
  int code_ = 0;
};

}  // namespace sluice::gateway
