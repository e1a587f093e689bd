// SPDX-License-Identifier: Apache-2.0
#include "storage/log_writer.hpp"

#include <pthread.h>

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "storage/segment_file.hpp"
#include "storage/start_record.hpp"

namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

// One commit takes at most this much, so that an alarm never waits long behind a backlog.
constexpr std::size_t kGroupEventsMax = 2048;
constexpr std::size_t kGroupBytesMax = 1u << 20;
// With this much waiting, more company is not worth waiting for.
constexpr std::size_t kGroupEventsEnough = 1000;
constexpr std::size_t kGroupBytesEnough = 512u << 10;
constexpr seconds kAckDelayMax{5};
constexpr seconds kHousekeepingEvery{1};
// All lanes together; above it the segments with large WALs are finished.
constexpr std::uint64_t kWalBytesMax = 16u << 20;

}  // namespace

void LogWriter::run() {
  pthread_setname_np(pthread_self(), "log-writer");
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = steady_clock::now();
    counters_.turn_ns = context_.clock->monotonic_ns();
    bool worked = false;
    for (const Lane lane : core::kLanes) {
      // Alarms first, also between the commits of the others.
      if (lane != Lane::kAlarm && due(Lane::kAlarm, now)) commit(Lane::kAlarm, lock);
      if (!due(lane, now)) continue;
      commit(lane, lock);
      worked = true;
    }
    take_seal_reports(lock);
    if (now >= next_housekeeping_) housekeeping(now, lock);
    if (worked) continue;
    if (stopping_ || !failure_.empty()) break;
    wake_.wait_until(lock, next_due(now));
  }
}

bool LogWriter::due(Lane lane, Time now) const {
  const Queue& queue = queues_[core::index(lane)];
  if (!queue.rewinds.empty() || !queue.set_aside.empty()) return true;
  if (!queue.acks.empty() && (stopping_ || now >= queue.acks_since + kAckDelayMax)) return true;
  if (queue.appends.empty()) return false;
  return stopping_ || queue.events >= kGroupEventsEnough || queue.bytes >= kGroupBytesEnough ||
         now >= queue.oldest + options_.settings.lanes[core::index(lane)].commit_interval;
}

LogWriter::Time LogWriter::next_due(Time now) const {
  Time next = std::max(next_housekeeping_, now + milliseconds{1});
  for (const Lane lane : core::kLanes) {
    const Queue& queue = queues_[core::index(lane)];
    if (!queue.appends.empty())
      next =
          std::min(next, queue.oldest + options_.settings.lanes[core::index(lane)].commit_interval);
    if (!queue.acks.empty()) next = std::min(next, queue.acks_since + kAckDelayMax);
  }
  return next;
}

LaneWork LogWriter::take(Lane lane) {
  Queue& queue = queues_[core::index(lane)];
  LaneWork work;
  std::size_t events = 0;
  std::size_t bytes = 0;
  while (!queue.appends.empty() && events < kGroupEventsMax && bytes < kGroupBytesMax) {
    events += queue.appends.front().request.events.size();
    bytes += queue.appends.front().bytes;
    work.appends.push_back(std::move(queue.appends.front()));
    queue.appends.pop_front();
  }
  queue.events -= events;
  queue.bytes -= bytes;
  queued_events_ -= events;
  queued_bytes_ -= bytes;
  // What is left was here while this commit runs: it has waited enough.
  work.acks = std::exchange(queue.acks, {});
  work.rewinds = std::exchange(queue.rewinds, {});
  work.set_aside = std::exchange(queue.set_aside, {});
  return work;
}

void LogWriter::commit(Lane lane, std::unique_lock<std::mutex>& lock) {
  LaneWork work = take(lane);
  lock.unlock();
  work.trusted_clock = context_.clock->trusted();
  look_at_disk(steady_clock::now());
  LaneLog& here = *lanes_[core::index(lane)];
  work.refuse_new = !make_room_in(here, work);
  work.finish_early = wal_bytes_ > kWalBytesMax;
  // Who has an answer finds it counted.
  work.counted = [this] {
    const std::lock_guard guard(mutex_);
    count_tallies();
  };
  const auto done = here.commit(work);
  if (here.take_disk_full()) after_full_disk(here);
  submit_seal_jobs();
  if (bell_) bell_();
  lock.lock();
  count();
  if (!done) {
    failure_ = done.error().message;
    context_.logger->error("log", failure_);
    lock.unlock();
    fail_all(failure_);
    lock.lock();
  }
}

void LogWriter::fail_all(const std::string& why) {
  std::vector<PendingAppend> appends;
  std::vector<DoneCallback> dones;
  {
    const std::lock_guard lock(mutex_);
    for (Queue& queue : queues_) {
      std::move(queue.appends.begin(), queue.appends.end(), std::back_inserter(appends));
      for (auto& [acked, done] : queue.rewinds) dones.push_back(std::move(done));
      for (auto& [range, done] : queue.set_aside) dones.push_back(std::move(done));
      queue = Queue{};
    }
    queued_events_ = 0;
    queued_bytes_ = 0;
  }
  for (PendingAppend& append : appends) append.callback(fail(Errc::kIo, why));
  for (const DoneCallback& done : dones)
    if (done) done(fail(Errc::kIo, why));
}

void LogWriter::take_seal_reports(std::unique_lock<std::mutex>& lock) {
  if (seal_reports_.empty()) return;
  std::vector<Sealer::Report> reports = std::exchange(seal_reports_, {});
  lock.unlock();
  for (Sealer::Report& report : reports) {
    auto& lane = *lanes_[core::index(report.lane)];
    if (report.filter)
      lane.indexed(report.first, std::move(*report.filter));
    else
      lane.sealed(report.first);
  }
  lock.lock();
}

void LogWriter::submit_seal_jobs() {
  for (const Lane lane : core::kLanes)
    for (SealJob& job : lanes_[core::index(lane)]->take_seal_jobs())
      sealer_->submit({lane, std::move(job)});
}

void LogWriter::housekeeping(Time now, std::unique_lock<std::mutex>& lock) {
  next_housekeeping_ = now + kHousekeepingEvery;
  lock.unlock();
  look_at_disk(now);
  retry_what_failed();
  keep_ballast(now);
  std::uint64_t trimmed = 0;
  std::string problem;
  for (const auto& lane : lanes_) {
    const auto removed = lane->trim();
    if (removed)
      trimmed += *removed;
    else
      problem = core::to_string(removed.error());
  }
  if (!problem.empty())
    context_.logger->warning("log", "cannot remove an old segment", {{"error", problem}});
  if (trimmed > 0) {
    // A file that is still open keeps its room on the disk.
    if (const std::unique_lock reading(read_mutex_, std::try_to_lock); reading) read_cache_.clear();
  }
  if (!lived_long_ && now - started_ >= kLongLife) {
    lived_long_ = true;
    (void)write_short_lived(context_.folder, 0);
  }
  tell_notes();
  lock.lock();
  counters_.trimmed_segments += trimmed;
  count();
}

void LogWriter::count_tallies() {
  for (const auto& lane : lanes_) {
    const auto tally = lane->take_tally();
    counters_.appended += tally.appended;
    counters_.duplicates += tally.duplicates;
    counters_.refused += tally.refused;
    counters_.commits += tally.commits;
    if (tally.commits > 0)
      counters_.last_commit_ns = static_cast<std::int64_t>(context_.clock->monotonic_ns());
  }
}

void LogWriter::count() {
  count_tallies();
  counters_.wal_bytes = 0;
  counters_.dedup_window_ms = 0;
  counters_.dropped_events = counters_.early_segments = 0;
  counters_.refusing.clear();
  counters_.disk_level = disk_level_;
  for (const auto& lane : lanes_) {
    counters_.wal_bytes += lane->wal_size();
    counters_.dropped_events += lane->dropped().events;
    counters_.early_segments += lane->dropped().segments;
    if (lane->refusing()) counters_.refusing = lane->refusing()->message;
    counters_.dedup_window_ms = std::max(counters_.dedup_window_ms, lane->dedup_window_ms());
  }
  wal_bytes_ = counters_.wal_bytes;
}

}  // namespace sluice::storage
