// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/ballast.hpp"
#include "storage/event_log.hpp"
#include "storage/folder_lock.hpp"
#include "storage/lane_log.hpp"
#include "storage/sealer.hpp"

namespace sluice::storage {

// Behind EventLog: queues, the writer's thread, and who is due when.
class LogWriter {
 public:
  LogWriter(EventLog::Options options, EventLog::Environment environment);
  ~LogWriter();

  core::Result<void> open();
  core::Epoch epoch() const { return context_.epoch; }
  const StartReport& start_report() const { return report_; }
  core::Result<void> salvage_told(const SalvagedSegment& salvaged);
  codec::ChainMark chain_mark(core::Lane lane) const;
  void append(AppendRequest request, AppendCallback callback);
  core::Result<std::vector<Record>> read_stream(const core::StreamName& stream, std::uint64_t from,
                                                std::size_t limit);
  void record_acks(core::Lane lane, std::vector<Anchor> anchors);
  void rewind(core::Lane lane, core::Seq acked, EventLog::Done done);
  void set_aside(core::Lane lane, SetAside range, EventLog::Done done);
  void on_commit(std::function<void()> bell);
  LaneState lane_state(core::Lane lane) const;
  EventLog::Counters counters() const;
  void nudge();
  std::string failure() const;
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Queue {
    std::deque<PendingAppend> appends;
    std::size_t events = 0;
    std::size_t bytes = 0;
    Time oldest{};  // of the appends
    std::vector<Anchor> acks;
    Time acks_since{};
    std::vector<std::pair<core::Seq, DoneCallback>> rewinds;
    std::vector<std::pair<SetAside, DoneCallback>> set_aside;
  };

  core::Lane lane_of(const std::string& category) const;
  void find_lost_tails();
  core::Result<core::Lane> check(const AppendRequest& request) const;
  core::Result<std::size_t> check_event(const NewEvent& event, bool own) const;

  // The writer's thread.
  void run();
  bool due(core::Lane lane, Time now) const;
  Time next_due(Time now) const;
  LaneWork take(core::Lane lane);
  void commit(core::Lane lane, std::unique_lock<std::mutex>& lock);
  void housekeeping(Time now, std::unique_lock<std::mutex>& lock);
  void take_seal_reports(std::unique_lock<std::mutex>& lock);
  void submit_seal_jobs();

  // log_pressure.cpp, the writer's thread, without the lock
  void look_at_disk(Time now);
  void set_disk_level(DiskLevel level, const DiskRoom& room);
  void make_room_on_disk(std::uint64_t free);
  bool make_room_in(LaneLog& lane, LaneWork& work);
  std::uint64_t give_up(LaneLog& lane, bool also_unacked, std::string_view reason);
  void after_full_disk(LaneLog& lane);
  void retry_what_failed();
  void keep_ballast(Time now);
  void tell_notes();
  void count_tallies();
  void count();
  void fail_all(const std::string& why);

  EventLog::Options options_;
  LogContext context_;
  core::UuidV7 ids_;
  std::map<std::string, core::Lane> lane_by_category_;
  std::optional<FolderLock> lock_file_;
  std::array<std::unique_ptr<LaneLog>, core::kLaneCount> lanes_;
  StartReport report_;
  std::function<void()> bell_;
  std::thread thread_;

  mutable std::mutex mutex_;  // the queues, the counters and all below
  std::condition_variable wake_;
  std::array<Queue, core::kLaneCount> queues_;
  std::size_t queued_events_ = 0;
  std::size_t queued_bytes_ = 0;
  std::vector<Sealer::Report> seal_reports_;
  EventLog::Counters counters_;
  std::string failure_;
  bool stopping_ = false;

  // The writer's alone.
  Time started_{};
  bool lived_long_ = false;
  Time next_housekeeping_{};
  Time disk_checked_{};
  DiskLevel disk_level_ = DiskLevel::kOk;
  std::array<std::uint64_t, core::kLaneCount> drop_credit_{};  // given up, not taken yet
  Ballast ballast_;
  std::uint64_t wal_bytes_ = 0;  // as counted last
  Time ballast_due_{};
  bool ballast_warned_ = false;
  std::vector<PressureNote> notes_;  // not in lane system yet

  mutable std::mutex read_mutex_;  // the cache, and the event it remembers
  mutable SegmentCache read_cache_;
  mutable std::array<std::pair<core::Seq, std::int64_t>, core::kLaneCount> oldest_unacked_{};

  std::unique_ptr<Sealer> sealer_;  // last: its reports need all of the above
};

}  // namespace sluice::storage
