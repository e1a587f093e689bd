// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/codec/chain_checker.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "storage/log_settings.hpp"
#include "storage/pressure.hpp"
#include "storage/start_report.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

// The durable log of one gateway: four lanes of segments (docs/log-format.md) under one folder.
//
// One EventLog writes a folder at a time (a lock file says so). It owns a writer thread, which
// alone holds the active segments' connections, and a sealer thread for finished ones. All methods
// may be called from any thread unless they say otherwise.
class EventLog {
 public:
  struct Options {
    std::filesystem::path folder;
    core::GatewayId gateway;
    LogSettings settings;
    LaneMap lane_of_category;
    std::string vfs = {};      // SQLite's file layer, for tests that make it fail; empty: its own
    // Begins a new segment in every lane right behind EpochOpened: an id may then occur again.
    bool fresh_segments = false;
    // Whether the folder's filesystem cannot be written, for tests; empty: looks for itself.
    std::function<bool()> read_only = {};
    std::string machine = {};  // kept with the epoch that open() begins; empty: not known
  };
  struct Environment {
    core::Clock& clock;
    core::Random& random;  // used by the writer thread only, after open() returned
    core::Logger& logger;
  };

  // Opens or creates the log, finishes what a crash interrupted, and commits EpochOpened into every
  // lane before it returns. No full scan: only the newest segment of each lane is read.
  // A damaged or missing segment does not stop it: see start_report().
  // kConfig: the folder belongs to another gateway, or a category changed its lane.
  // kBusy: another process writes it. kIo: not writable. kUnsupported: written by a newer program.
  static core::Result<std::unique_ptr<EventLog>> open(Options options, Environment environment);
  ~EventLog();  // stop()

  // How long a program should wait (and serve reads with a LogReader) before it calls open(): 0,
  // or after starts that each lived less than a minute 1 s, 2 s, 4 s ... [log] restart_wait_max.
  // Each open() adds an epoch to what is kept for ever, so a crash loop must not run at full speed.
  static std::chrono::milliseconds start_delay(const std::filesystem::path& folder,
                                               const LogSettings& settings);

  core::Epoch epoch() const;  // of this run; constant

  // What open() found wrong and went on from; constant.
  const StartReport& start_report() const;
  // An event tells of it now: it is not reported again. Does I/O.
  core::Result<void> salvage_told(const SalvagedSegment& salvaged);
  // The lane's chain hash at its last committed event.
  codec::ChainMark chain_mark(core::Lane lane) const;

  // Appends atomically. The callback has the answer after the commit (synchronous=FULL). Errors:
  // kBadRequest (names, mixed lanes, reserved category), kTooLarge, kVersionConflict, kIdConflict,
  // kLimit (quota, streams_max), kBusy (queue full: nothing was queued), kIo (outcome unknown and
  // the log stopped: retry with the same id), kUnavailable (stopping).
  // Checks for a known id come before the expected version; ids are compared within a lane. Within
  // one append, each event's expected version is about the stream as the events before it leave it.
  // A refusal that needs no look at the log (kBadRequest, kTooLarge, kBusy, kUnavailable, kIo after
  // a failure) calls back at once, on the caller's thread; all others on the writer's.
  void append(AppendRequest request, AppendCallback callback);

  // Up to `limit` events of a stream with version >= from, oldest first. Thread-safe; does I/O.
  core::Result<std::vector<Record>> read_stream(const core::StreamName& stream, std::uint64_t from,
                                                std::size_t limit);

  // Notes what the hub has. Written with the lane's next commit, at most 5 s later; a crash before
  // that only means that events are sent again. Anchors at or below the cursor are ignored.
  void record_acks(core::Lane lane, std::vector<Anchor> anchors);

  using Done = std::function<void(core::Result<void>)>;
  // Sets the cursor back: deletes every anchor with acked > `acked`. Durable when `done` is called.
  // Trimming stops until acks have passed the old cursor again.
  void rewind(core::Lane lane, core::Seq acked, Done done);
  // Remembers, durably, that a range is replaced by a gap record.
  void set_aside(core::Lane lane, SetAside range, Done done);

  // The bell: called on the writer's thread after every commit, without data. Set before appending.
  void on_commit(std::function<void()> bell);

  LaneState lane_state(core::Lane lane) const;
  struct Counters {
    std::uint64_t appended = 0, duplicates = 0, refused = 0, commits = 0, queued = 0;
    std::uint64_t wal_bytes = 0;      // all lanes
    std::int64_t last_commit_ns = 0;  // monotonic; 0 before the first
    std::uint64_t turn_ns = 0;        // monotonic; when the writer's thread last came round
    std::uint64_t trimmed_segments = 0;
    std::uint64_t early_segments = 0;  // removed before their time, for a quota or the disk
    std::uint64_t dropped_events = 0;  // of those, events that were not acked
    // Since the folder damaged/ was last emptied: segments damaged or missing, and what they lost.
    std::uint64_t damaged_segments = 0, damaged_events = 0;
    DiskLevel disk_level = DiskLevel::kOk;
    std::string refusing = {};  // why nothing can be written for now; empty: it can
    std::uint64_t dedup_window_ms = 0;  // age of the oldest acked event whose id is still known
  };
  Counters counters() const;
  // Has the writer's thread come round soon even if it has nothing to do: Counters::turn_ns then
  // shows that it lives.
  void nudge();

  // The log stopped by itself (failed commit twice, folder gone): the program should exit and be
  // started again. Empty while all is well.
  std::string failure() const;

  // Refuses new appends, commits and answers what is queued, checkpoints, joins. Idempotent.
  void stop();

 private:
  class Impl;
  explicit EventLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::storage
