// SPDX-License-Identifier: Apache-2.0
#include "gateway/daemon.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "gateway/http_api.hpp"
#include "gateway/own_event.hpp"

namespace sluice::gateway {
namespace {

using boost::system::error_code;
using core::Errc;
using core::fail;
using std::chrono::milliseconds;

constexpr milliseconds kTick{1000};
constexpr milliseconds kDrain{2500};       // for clients to take their answers
constexpr milliseconds kDrainFailed{300};  // when the log has stopped: there is little to wait for
constexpr milliseconds kFlush{200};        // for the answers of the last commits
constexpr unsigned kUplinkModeOwn = 0600;
constexpr unsigned kUplinkModeShared = 0666;  // the peer's uid decides, not the file

rpc::ServerSettings ingest_settings(const IngestSettings& from) {
  rpc::ServerSettings settings;
  settings.connections_max = static_cast<std::size_t>(from.connections_max);
  settings.in_flight_max = static_cast<std::size_t>(from.in_flight_max);
  settings.out_bytes_max = from.out_bytes_max;
  settings.limits.bytes = from.message_bytes_max;
  settings.stall_timeout = from.stall_timeout;
  return settings;
}

std::string lost_tail_words(const storage::LostTail& tail) {
  const std::string lane = "lane " + std::string(core::lane_name(tail.lane));
  const std::string end = lane + " ends at seq " + std::to_string(tail.last);
  return (tail.known > tail.last ? end + ", it had seq " + std::to_string(tail.known)
                                 : end + ", and may have had more") +
         ": " + tail.how;
}

int exit_code(const core::Error& error) {
  return error.code == Errc::kConfig ? 78 : 1;
}

core::Result<void> make_folder(const std::string& folder, const char* key) {
  std::error_code why;
  std::filesystem::create_directories(folder, why);
  if (!why && ::access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  const std::string words = why ? why.message() : std::strerror(errno);
  return fail(Errc::kIo,
              "the folder " + folder + " ([gateway] " + key + ") cannot be written to: " + words);
}

}  // namespace

Daemon::Daemon(const Settings& settings, core::Clock& clock, core::Random& random,
               core::Logger& logger)
    : settings_(settings),
      clock_(clock),
      random_(random),
      logger_(logger),
      desk_(settings, queue_),
      acks_(io_, desk_, {clock, answer_random_, logger}),
      wear_(settings.gateway.state),
      uplink_(desk_, forks_, clock, logger),
      status_({acks_, uplink_, forks_, wear_, clock,
               [this] {
                 return Status::Traffic{ingest_server_.connections() + uplink_server_.connections(),
                                        http_server_.connections(), http_server_.requests()};
               }}),
      ingest_(acks_, [this] { return status_.map(); }),
      ingest_server_(io_, ingest_settings(settings.ingest), ingest_, logger),
      uplink_server_(io_, {.connections_max = 8}, uplink_, logger),
      http_server_(io_, settings.ingest.http, make_router(acks_, status_), logger),
      signals_(io_, SIGTERM, SIGINT),
      opening_(io_),
      ticking_(io_),
      petting_(io_),
      deadline_(io_) {}

Daemon::~Daemon() = default;

core::Result<void> Daemon::prepare_folders() const {
  SLUICE_TRY(make_folder(settings_.gateway.state, "state"));
  return make_folder(settings_.gateway.run, "run");
}

core::Result<void> Daemon::listen() {
  const unsigned mode = settings_.socket_mode;
  SLUICE_TRY(ingest_server_.listen(settings_.socket("ingest"), mode, settings_.ingest_uids));
  SLUICE_TRY(
      uplink_server_.listen(settings_.socket("uplink"),
                            settings_.uplink_uids.size() == 1 ? kUplinkModeOwn : kUplinkModeShared,
                            settings_.uplink_uids));
  SLUICE_TRY(http_server_.listen_unix(settings_.socket("http"), mode));
  if (!settings_.tcp) return {};
  const auto bound = http_server_.listen_tcp(*settings_.tcp, settings_.tokens);
  if (!bound) return bound.error();
  logger_.info("sluiced", "serves HTTP", {{"address", bound->text()}});
  return {};
}

int Daemon::run() {
  stop_on_signal();
  core::Result<void> started = prepare_folders();
  if (started) started = listen();
  if (!started) {
    logger_.error("sluiced", started.error().message);
    return exit_code(started.error());
  }
  uplink_.on_went_back([this](const std::string& words) { went_back(words); });
  wait_then_open();
  io_.run();
  desk_.stop();
  // What the last commits answered is in the queue, and the kernel takes it at once or not at all.
  io_.restart();
  const auto enough = std::chrono::steady_clock::now() + kFlush;
  while (io_.poll() > 0 && std::chrono::steady_clock::now() < enough) {
  }
  return code_;
}

// A program that dies again and again must not add an epoch to the log each time at full speed.
// Reads are served while it waits.
void Daemon::wait_then_open() {
  const milliseconds wait = storage::EventLog::start_delay(settings_.log_folder(), settings_.log);
  if (wait.count() == 0) return open_log();
  logger_.warning("sluiced", "the starts before this one ended soon: waits before it opens the log",
                  {{"wait_ms", std::to_string(wait.count())}});
  manager_.status(status_.line());
  manager_.extend_start(wait + std::chrono::seconds(30));
  opening_.expires_after(wait);
  opening_.async_wait([this](const error_code& why) {
    if (!why && !ending_) open_log();
  });
}

void Daemon::open_log() {
  const auto went_back = read_went_back(settings_.log_folder());
  auto log = storage::EventLog::open({.folder = settings_.log_folder(),
                                      .gateway = *settings_.id,
                                      .settings = settings_.log,
                                      .lane_of_category = settings_.lane_of_category,
                                      .fresh_segments = went_back.has_value(),
                                      .machine = settings_.machine},
                                     {clock_, random_, logger_});
  if (!log) {
    logger_.error("sluiced", "cannot open the log: " + log.error().message);
    return end(exit_code(log.error()));
  }
  if (went_back) give_new_places(*went_back, **log);
  desk_.open(std::move(*log));
  marks_.start();
  forks_.load(desk_.log());
  if (went_back)
    tell_fork("snapshot", {}, went_back->words,
              "What the hub had not acknowledged was sent again in a new epoch, with the same ids. "
              "Do not take snapshots of a running gateway, or bring them back.");
  for (const storage::LostTail& tail : desk_.log().start_report().lost_tails)
    tell_fork("lost_tail", core::lane_name(tail.lane), lost_tail_words(tail),
              "Check the card (sluice doctor, sluice plugtest). What the hub has is kept; ask the "
              "devices to send again what they still have.");
  logger_.info("sluiced", "ready",
               {{"gateway", settings_.id->text()}, {"epoch", desk_.log().epoch().text()}});
  manager_.status(status_.line());
  manager_.ready();
  tick();
  if (manager_.watchdog().count() > 0) pet();
}

void Daemon::give_new_places(const WentBack& what, storage::EventLog& log) {
  const auto given = send_again(settings_.log_folder(), what, log);
  if (!given)
    return logger_.error("sluiced", "events of a log that went back have no new place yet: " +
                                        core::to_string(given.error()));
  logger_.warning("sluiced", "the log went back under an earlier run: its tail is sent again",
                  {{"events", std::to_string(*given)}, {"how", what.words}});
  if (const auto forgotten = forget_went_back(settings_.log_folder()); !forgotten)
    logger_.error("sluiced", forgotten.error().message);
}

void Daemon::tell_fork(std::string_view kind, std::string_view lane, std::string_view words,
                       std::string_view what_to_do) {
  logger_.error("sluiced", words, {{"event", std::string(ForkBook::kType)}});
  std::string data = ForkBook::data_of(kind, lane, words, what_to_do);
  append_own_event(desk_, ForkBook::kEntity, ForkBook::kType, data,
                   [this, data](const core::Result<void>& stored) {
                     if (stored) forks_.note(data, clock_.wall_ns());
                   });
}

// The epoch's name must not be used any more: the next start draws another one.
void Daemon::went_back(const std::string& words) {
  if (ending_) return;
  logger_.error("sluiced", "the log went back under this program: " + words);
  const auto noted = note_went_back(settings_.log_folder(), {desk_.log().epoch(), words});
  if (!noted) logger_.error("sluiced", noted.error().message);
  end(1);
}

void Daemon::tick() {
  const std::string failure = status_.failure();
  if (!failure.empty()) {
    logger_.error("sluiced", "the log has stopped: " + failure);
    return end(1);
  }
  manager_.status(status_.line());
  if (const auto anchor = clock_watch_.look(clock_); anchor)
    append_own_event(desk_, "clock", "ClockAnchored", anchor->data());
  marks_.tick();
  ticking_.expires_after(kTick);
  ticking_.async_wait([this](const error_code& why) {
    if (!why && !ending_) tick();
  });
}

void Daemon::pet() {
  const auto counters = desk_.log().counters();
  const std::uint64_t settled =
      counters.commits + counters.appended + counters.duplicates + counters.refused;
  if (pulse_.beats({clock_.monotonic_ns(), counters.turn_ns, counters.queued, settled}))
    manager_.alive();
  desk_.log().nudge();
  petting_.expires_after(manager_.watchdog());
  petting_.async_wait([this](const error_code& why) {
    if (!why && !ending_) pet();
  });
}

void Daemon::stop_on_signal() {
  signals_.async_wait([this](const error_code& why, int) {
    if (why) return;
    if (ending_) return finish();  // told twice: waits for nobody
    end(0);
    stop_on_signal();
  });
}

// Takes nothing new, answers what was taken, then commits and closes the log.
void Daemon::end(int code) {
  if (ending_) return;
  ending_ = true;
  code_ = code;
  if (code == 0) marks_.stop();
  manager_.stopping();
  opening_.cancel();
  ticking_.cancel();
  petting_.cancel();
  acks_.give_up();
  deadline_.expires_after(code == 0 ? kDrain : kDrainFailed);
  deadline_.async_wait([this](const error_code& why) {
    if (!why) finish();
  });
  draining_ = 3;
  const auto drained = [this] {
    if (--draining_ == 0) finish();
  };
  ingest_server_.drain(drained);
  uplink_server_.drain(drained);
  http_server_.drain(drained);
}

void Daemon::finish() {
  io_.stop();
}

}  // namespace sluice::gateway
