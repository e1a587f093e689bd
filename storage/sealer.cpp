// SPDX-License-Identifier: Apache-2.0
#include "storage/sealer.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>

#include <chrono>

#include "storage/segment_file.hpp"

namespace sluice::storage {

namespace {
constexpr std::chrono::milliseconds kRetryAfter{100};  // a reader's transaction is short
constexpr std::chrono::milliseconds kRetryAfterTrouble{10'000};
}  // namespace

Sealer::Sealer(core::Logger& logger, std::string vfs, std::function<void(Report)> report)
    : logger_(logger),
      vfs_(std::move(vfs)),
      report_(std::move(report)),
      thread_([this] { run(); }) {}

Sealer::~Sealer() {
  stop();
}

void Sealer::submit(Job job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

bool Sealer::withdraw(core::Lane lane, core::Seq first) {
  const std::lock_guard lock(mutex_);
  if (at_work_ == std::pair(lane, first)) return false;
  std::erase_if(jobs_,
                [&](const Job& job) { return job.lane == lane && job.segment.first == first; });
  return true;
}

void Sealer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Sealer::run() {
  pthread_setname_np(pthread_self(), "log-sealer");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    at_work_ = std::pair(job.lane, job.segment.first);
    lock.unlock();
    retry_after_ = kRetryAfter;
    const bool done = seal(job);
#ifdef __GLIBC__
    malloc_trim(0);  // a seal needs a few MB for a moment, and the next one may be a day away
#endif
    lock.lock();
    at_work_.reset();
    if (done) continue;
    jobs_.push_back(std::move(job));
    wake_.wait_for(lock, retry_after_, [&] { return stopping_; });
  }
}

bool Sealer::seal(Job& job) {
  const auto give_up = [&](const core::Error& error) {
    // Left as it is: it can still be read, but it will never be trimmed, and its ids are known only
    // as long as this process lives.
    logger_.error("log", "a segment cannot be sealed and is left as it is",
                  {{"file", job.segment.path.string()}, {"error", core::to_string(error)}});
    return true;
  };
  auto sealer = SegmentSealer::open(job.segment, vfs_);
  if (!sealer) return give_up(sealer.error());
  auto filter = sealer->write_indexes();
  if (!filter && filter.error().code == core::Errc::kBusy) return false;
  // No room, or a disk that refuses for now: nothing is wrong with the segment itself.
  if (!filter && filter.error().code != core::Errc::kCorrupt) {
    retry_after_ = kRetryAfterTrouble;
    return false;
  }
  if (!filter) return give_up(filter.error());
  report_({job.lane, job.segment.first, std::move(*filter)});
  const auto emptied = sealer->empty_wal();
  if (!emptied) return give_up(emptied.error());
  if (!*emptied) return false;
  if (const auto synced = sync_folder(job.segment.path.parent_path()); !synced)
    return give_up(synced.error());
  report_({job.lane, job.segment.first, std::nullopt});
  return true;
}

}  // namespace sluice::storage
