// SPDX-License-Identifier: Apache-2.0
#include "hub/fleet/report_watch.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kBackoffFirst{250};
constexpr milliseconds kBackoffLast{15'000};
constexpr milliseconds kTick{1'000};
constexpr std::uint64_t kLookAgainNs = 5'000'000'000;

}  // namespace

ReportWatch::ReportWatch(ReportKeeper& keeper, NeedDesk& needs, const core::Clock& clock,
                         core::Logger& log, nats::ConnectionOptions connection,
                         std::function<void(const core::Error&)> fatal)
    : keeper_(keeper),
      needs_(needs),
      clock_(clock),
      log_(log),
      connection_(std::move(connection)),
      fatal_(std::move(fatal)) {
  alive_ns_ = clock_.monotonic_ns();
}

ReportWatch::~ReportWatch() {
  stop();
  join();
}

void ReportWatch::join() {
  if (thread_.joinable()) thread_.join();
}

void ReportWatch::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "reports");
}

void ReportWatch::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

std::string ReportWatch::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void ReportWatch::pause(milliseconds wait) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return stopping_.load(); });
}

void ReportWatch::note_error(const core::Error& error) {
  const std::string words = core::to_string(error);
  if (words != last_logged_) log_.warning("reports", words);
  last_logged_ = words;
  const std::lock_guard lock(mutex_);
  last_error_ = error.message;
}

void ReportWatch::run() {
  milliseconds backoff = kBackoffFirst;
  while (!stopping_) {
    alive_ns_ = clock_.monotonic_ns();
    const auto ended = session();
    if (stopping_) break;
    if (!ended) note_error(ended.error());
    if (connected_.exchange(false)) backoff = kBackoffFirst;
    pause(backoff / 2 + milliseconds(random_.below(static_cast<std::uint64_t>(backoff.count()))));
    backoff = std::min(backoff * 2, kBackoffLast);
  }
}

Result<void> ReportWatch::session() {
  auto options = connection_;
  options.name = "sluice-hub reports";
  auto connection = nats::Connection::connect(options);
  if (!connection) {
    if (connection.error().code == Errc::kInternal) fatal_(connection.error());
    return connection.error();
  }
  connected_ = true;
  nats::PullOptions pull;
  pull.hub_stream = "KV_" + std::string(core::kReportBucket);
  pull.last_per_subject = true;
  pull.filter = core::report_subject(">");
  std::unique_ptr<nats::PullConsumer> consumer;
  std::uint64_t looked_ns = 0;
  while (!stopping_) {
    alive_ns_ = clock_.monotonic_ns();
    if (!(*connection)->is_open())
      return core::fail(Errc::kUnavailable, "the connection is closed");
    if (!consumer && (looked_ns == 0 || clock_.monotonic_ns() - looked_ns >= kLookAgainNs)) {
      looked_ns = clock_.monotonic_ns();
      auto made = nats::PullConsumer::create(**connection, pull);
      if (made) {
        consumer = std::move(*made);
        last_logged_.clear();
        const std::lock_guard lock(mutex_);
        last_error_.clear();
      } else {
        note_error(made.error());
      }
    }
    if (!consumer) {
      pause(kTick);
    } else if (const auto taken = take_reports(*consumer); !taken) {
      note_error(taken.error());
      consumer.reset();
    }
    SLUICE_TRY(needs_.publish_due(**connection));
    if (consumer && consumer->pending() == 0)  // then all gateways are known
      SLUICE_TRY(needs_.publish_changes(**connection, [this] { return keeper_.gateways(); }));
  }
  return {};
}

Result<void> ReportWatch::take_reports(nats::PullConsumer& consumer) {
  const auto batch = consumer.next(kTick);
  if (!batch) return batch.error();
  for (const nats::Pulled& pulled : *batch) take(pulled);
  return {};
}

void ReportWatch::take(const nats::Pulled& pulled) {
  const std::string prefix = core::report_subject("");
  std::string_view gateway = pulled.message.subject();
  if (!gateway.starts_with(prefix)) return;
  gateway.remove_prefix(prefix.size());
  const auto operation = pulled.message.header("KV-Operation");
  if (operation && (*operation == "DEL" || *operation == "PURGE")) {
    keeper_.remove(gateway);
    return;
  }
  const auto kept = keeper_.take(gateway, pulled.message.payload(), pulled.stored_ns);
  if (!kept)
    log_.warning("reports", core::to_string(kept.error()), {{"gateway", core::printable(gateway)}});
}

}  // namespace sluice::hub
