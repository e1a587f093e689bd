// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "hub/feed/engine_host.hpp"
#include "hub/feed/model_state.hpp"
#include "hub/feed/need_desk.hpp"
#include "hub/lease/lease_book.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::nats {
class PullConsumer;
struct Pulled;
}  // namespace sluice::nats

namespace sluice::hub {

// What a feed does, for those who watch. All times monotonic but stored_ns.
struct FeedStatus {
  bool connected = false;
  bool elsewhere = false;  // another worker reads the shard, or none does yet
  HubStreamFacts hub;      // as last asked; created is empty before the first answer
  std::uint64_t position = 0;
  std::uint64_t hub_last = 0;  // the highest sequence that this feed knows of
  std::uint64_t moved_ns = 0;  // when the position moved last, or was seen to be the last
  std::int64_t stored_ns = 0;  // when the hub stored what was read last
  std::uint64_t sessions = 0;
  std::uint64_t begun_anew = 0;  // times that all was read again
  std::uint64_t read = 0;        // messages since the program started
  std::string last_error;        // empty while all is well
  bool refused = false;          // by the model: it is not fit for this hub stream
};

// Where a feed stands now.
Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock);
// Seconds between now and when the hub stored what was read last; 0 when caught up.
double lag_seconds(const FeedStatus& status, const core::Clock& clock);

// Reads one shard into one engine: a thread with a connection and a consumer of its own, so that a
// slow model delays no other. The position is the model's, never the server's: at each start of a
// session and once every `check_interval` it is compared with the hub stream, and where they differ
// all is read again. It may be started and stopped again and again, by one thread at a time.
class ModelFeed {
 public:
  struct Settings {
    std::string shard;
    bool several_shards = false;  // of this hub: then it matters which gateway is on which
    nats::ConnectionOptions connection;
    std::chrono::milliseconds check_interval{60'000};
    LeaseBook* leases = nullptr;  // read only while the shard is granted there
  };
  // `fatal` is called once when only a restart of the program can help.
  ModelFeed(EngineHost& host, NeedDesk& needs, const core::Clock& clock, core::Logger& log,
            Settings settings, std::function<void(const core::Error&)> fatal);
  ~ModelFeed();  // ends the thread: the batch in work is finished
  enum class Pace {
    kLive,
    kBulk,  // gives way to other threads that want the processor
  };
  void start(Pace pace = Pace::kLive);
  void stop();  // asks the thread to end
  void join();  // waits for it

  const std::string& shard() const { return settings_.shard; }
  const std::string& hub_stream() const { return hub_stream_; }
  FeedStatus status() const;
  // When the thread last showed that it lives (monotonic); nullopt while there is none.
  std::optional<std::uint64_t> alive_ns() const;

 private:
  enum class Next { kReconnect, kAtOnce };
  void run(Pace pace);
  bool enter_lease();
  void note_fence(const core::Error& error);
  bool may_read() const;
  core::Result<Next> session();
  core::Result<std::uint64_t> where_to_start(nats::Connection& connection);
  core::Result<Next> read(nats::Connection& connection, nats::PullConsumer& consumer);
  core::Result<std::vector<nats::Pulled>> next_batch(nats::PullConsumer& consumer);
  core::Result<bool> take_batch(nats::Connection& connection, nats::PullConsumer& consumer);
  core::Result<std::optional<projection::BatchOutcome>> apply(
      const std::vector<nats::Pulled>& batch);
  core::Result<bool> still_right(nats::Connection& connection);
  core::Result<Resume> compare(nats::Connection& connection, const projection::Position& position);
  core::Result<void> look_for_holes(nats::Connection& connection);
  void pause(std::chrono::milliseconds wait);
  void note_error(const core::Error& error);  // logs it, and shows it
  void show_error(const core::Error& error);  // in status()
  bool stopping() const { return stopping_.load(); }
  projection::HubStream hub() const;

  EngineHost& host_;
  NeedDesk& needs_;
  const core::Clock& clock_;
  core::Logger& log_;
  const Settings settings_;
  const std::string hub_stream_;
  const std::string label_;  // "<engine>/<shard>", in logs and for the NeedDesk
  std::function<void(const core::Error&)> fatal_;

  // The feed's thread only.
  core::SystemRandom random_;
  std::uint64_t next_ = 1;  // the model's position is to be here, or was turned back
  bool in_bulk_ = false;
  std::optional<std::uint64_t> token_;  // of the lease
  bool was_elsewhere_ = false;          // until the first batch under it others may have written
  bool has_holes_ = false;
  bool alarmed_ = false;             // a hole has been open for too long, and that was said
  bool quiet_ = false;               // nothing came since the last check
  std::uint64_t last_at_start_ = 0;  // the hub stream's last sequence when the session began
  std::string last_logged_;

  // Shared.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> running_{false};
  std::atomic<std::uint64_t> alive_ns_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  FeedStatus status_;
  nats::PullConsumer* consumer_ = nullptr;
  std::thread thread_;
};

}  // namespace sluice::hub
