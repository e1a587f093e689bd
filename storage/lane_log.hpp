// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/codec/chain_checker.hpp"
#include "core/logger.hpp"
#include "core/random.hpp"
#include "storage/filter_bank.hpp"
#include "storage/id_filter.hpp"
#include "storage/lane_book.hpp"
#include "storage/log_settings.hpp"
#include "storage/pressure.hpp"
#include "storage/sealing.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_index.hpp"
#include "storage/segment_reader.hpp"
#include "storage/segment_writer.hpp"
#include "storage/start_report.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

// What the four lanes of a log share; constant while the writer runs.
struct LogContext {
  std::filesystem::path folder;
  std::string gateway;
  LogSettings settings;
  core::Epoch epoch;
  std::string vfs;
  std::string machine;  // this one; empty if not known
  bool fresh_segments = false;
  std::function<bool()> read_only;  // whether the log's filesystem is; empty: never
  core::Clock* clock = nullptr;
  core::Random* random = nullptr;
  core::Logger* logger = nullptr;
  core::UuidV7* ids = nullptr;
};

// An append on its way through the writer.
struct PendingAppend {
  AppendRequest request;
  AppendCallback callback;
  std::int64_t wall_ns = 0;  // when it was handed in
  std::uint64_t monotonic_ns = 0;
  std::size_t bytes = 0;
};
using DoneCallback = std::function<void(core::Result<void>)>;

// All that one commit of a lane writes.
struct LaneWork {
  std::vector<PendingAppend> appends;
  std::vector<Anchor> acks;
  std::vector<std::pair<core::Seq, DoneCallback>> rewinds;
  std::vector<std::pair<SetAside, DoneCallback>> set_aside;
  std::function<void()> counted;  // called when take_tally() has the work, before any answer
  bool trusted_clock = false;
  bool refuse_new = false;    // the disk is nearly full
  bool finish_early = false;  // the WALs of all lanes together are too large
  bool empty() const {
    return appends.empty() && acks.empty() && rewinds.empty() && set_aside.empty();
  }
};

// One segment as the writer knows it: without indexes on disk it has `index`, else `filter`.
using KnownIds = boost::unordered_flat_map<core::Uuid, core::Seq, std::hash<core::Uuid>>;

struct Segment {
  std::filesystem::path path;
  core::Seq first = 0;
  std::shared_ptr<SegmentIndex> index;
  std::shared_ptr<const IdFilter> filter;  // without its bits if it has a column
  std::optional<FilterBank::Column> column;
  // Of an old segment that cannot be sealed: the ids of its readable events, so that a retry of one
  // of them is still recognised. Null for all others.
  std::shared_ptr<const KnownIds> known_ids;
  std::uint64_t bytes = 0;  // on disk; the newest's changes
  bool sealed = false;      // may be trimmed
};

// The writer's side of one lane: its segments and everything it remembers. The writer's thread
// calls all methods but those at the end; those take the mutex, under which the writer changes what
// they read.
class LaneLog {
 public:
  LaneLog(const LogContext& context, core::Lane lane);

  // Finishes what a crash interrupted, salvages what is damaged, rebuilds the memory from the
  // newest segment, and commits EpochOpened. `lane_of` says where the configuration puts a
  // category.
  core::Result<void> open(const std::function<core::Lane(const std::string&)>& lane_of);

  // Takes `work` apart, commits it, and answers each of its callbacks. An error means that the log
  // must stop; everything was answered even then.
  core::Result<void> commit(LaneWork& work);

  struct Tally {
    std::uint64_t appended = 0, duplicates = 0, refused = 0, commits = 0;
  };
  Tally take_tally() { return std::exchange(tally_, {}); }

  // Segments that were finished since the last call.
  std::vector<SealJob> take_seal_jobs() { return std::exchange(seal_jobs_, {}); }
  void indexed(core::Seq first, IdFilter filter);  // the sealer wrote a segment's indexes ...
  void sealed(core::Seq first);                    // ... and emptied its WAL

  core::Lane lane() const { return lane_; }

  // --- lane_pressure.cpp ---
  bool over_quota(std::uint64_t more) const;  // with so many bytes more
  // Removes the oldest segment before its time: one whose events are acked, or any of them if
  // `also_unacked`; what is not acked is set aside first, in the newest segment. The active one is
  // finished for it if it is the only one. `withdraw` takes a segment back from the sealer, and is
  // false if the sealer is at work on it. Gives the bytes; 0: there was nothing that may go.
  using Withdraw = std::function<bool(core::Seq first)>;
  core::Result<std::uint64_t> give_up_oldest(bool also_unacked, std::string_view reason,
                                             const Withdraw& withdraw);
  std::vector<PressureNote> take_notes() { return std::exchange(notes_, {}); }
  struct Dropped {
    std::uint64_t events = 0, segments = 0;  // unacked events; segments that went early, all kinds
  };
  const Dropped& dropped() const { return dropped_; }
  // Set while nothing can be written: why appends are refused. What is on disk is read as ever.
  const std::optional<core::Error>& refusing() const { return refusing_; }
  void try_to_write_again();
  // The last commit failed for lack of room, or what it should have written is still owed.
  bool owes() const { return write_failed_ && (acks_dirty_ || !staged_.empty()); }
  bool take_disk_full() { return std::exchange(disk_full_, false); }
  std::uint64_t active_wal() const;

  // Removes what retention allows; gives the number of segments.
  core::Result<std::uint64_t> trim();
  bool waits_for_trim() const { return !book_.acked_segments.empty(); }
  std::uint64_t dedup_window_ms() const;

  void close();  // checkpoints

  // What open() found; the writer's thread is not needed for it.
  const std::vector<LostTail>& lost_tails() const { return lost_tails_; }
  const EpochInfo& opened() const { return book_.epochs.back(); }

  // --- any thread ---
  core::Result<std::vector<Record>> read_stream(SegmentCache& cache, const std::string& stream,
                                                std::uint64_t from, std::size_t limit) const;
  LaneState state() const;                                    // all but oldest_unacked_wall_ns
  codec::ChainMark chain_mark() const;                        // at the last committed event
  std::uint64_t version_of(const std::string& stream) const;  // 0: none
  std::filesystem::path newest_holding(core::Seq seq) const;
  std::uint64_t wal_size() const;

 private:
  struct Staged {
    StreamTable::Index stream = 0;
    std::uint64_t version = 0;
    core::Uuid id;
    std::size_t body_at = 0;
    std::uint32_t body_size = 0;
    std::uint32_t crc = 0;
  };
  using Outcome = core::Result<std::vector<Appended>>;

  // lane_boot.cpp
  void finish_seal(Segment& segment, core::Seq last);
  std::shared_ptr<const KnownIds> readable_ids(const SealJob& job) const;
  core::Result<void> open_newest(const SegmentFile& file);
  core::Result<void> scan_newest(sqlite::Database& database, const SegmentHead& head);
  core::Result<void> open_finished(SegmentReader& reader);
  core::Result<void> scan_finished(SegmentReader& reader);
  void drop_foreign_anchors();
  core::Result<void> open_epoch();
  core::Result<void> check_categories(
      const std::function<core::Lane(const std::string&)>& lane_of) const;

  // lane_repair.cpp
  core::Result<std::vector<SegmentFile>> usable_segments();
  core::Result<void> settle_twins(std::vector<SegmentFile>& files);
  core::Result<void> open_newest_of(std::vector<SegmentFile>& files);
  struct Old {
    Segment segment;
    core::Seq last = 0;    // that counts
    std::string previous;  // file name of the segment before
  };
  core::Result<void> open_older(const std::vector<SegmentFile>& files);
  core::Result<Old> open_old(const SegmentFile& file, core::Seq next_first, bool is_next);
  core::Result<std::optional<SegmentFile>> salvage(const SegmentFile& file, core::Seq end,
                                                   const std::filesystem::path& previous,
                                                   const core::Error& why);
  void note_missing(core::Seq from, core::Seq to, core::GapReason reason);
  void note_lost_tail(core::Seq known, const std::string& how);
  void note_missing_wal();

  // lane_stage.cpp: decides, in memory only
  Outcome stage(const PendingAppend& append, const LaneWork& work);
  core::Result<std::optional<std::vector<Appended>>> find_known(const AppendRequest& request);
  core::Result<std::optional<core::Seq>> find_id(const core::Uuid& id);
  core::Result<bool> same_content(core::Seq seq, const NewEvent& event, Appended& position);
  core::Result<std::string> body_of(core::Seq seq);
  core::Result<void> stage_event(const NewEvent& event);
  void encode(const NewEvent& event, const PendingAppend& append, bool trusted, Staged& staged);
  void note_category(const std::string& category);
  void take_back(std::size_t keep);  // the staged events from `keep` on, out of the memory
  void apply_again();

  // lane_pressure.cpp
  core::Result<void> check_quota() const;
  core::Result<void> write_set_aside(const std::vector<SetAside>& ranges);
  void refuse_from_now_on(const core::Error& why);

  // lane_commit.cpp: writes
  core::Result<void> write(const LaneWork& work);
  core::Result<void> write_again_elsewhere(const LaneWork& work, const core::Error& why);
  core::Result<void> write_rows(const LaneWork& work);
  core::Result<void> rotate();
  void forget_staged();
  bool full(bool finish_early) const;
  void apply_acks(const LaneWork& work);
  void note_acked_segments();
  void publish();
  void answer(LaneWork& work, std::vector<Outcome>& outcomes, const core::Result<void>& written);
  core::Result<void> remove_oldest();
  core::Result<void> remove_half_removed();
  void forget_trimmed();
  void bank(Segment& segment);
  void unbank(const Segment& segment);
  std::uint64_t powered_now() const;
  void count_powered();
  void note_stored_anchors();

  core::Seq next_seq() const { return last_ + staged_.size() + 1; }
  std::filesystem::path folder() const { return lane_folder(context_.folder, lane_); }

  const LogContext& context_;
  const core::Lane lane_;

  // Changed by the writer under the mutex; read by others under it, by the writer without.
  mutable std::shared_mutex mutex_;
  StreamTable streams_;
  std::vector<Segment> segments_;  // oldest first; the last is the active one
  core::Seq last_ = 0;             // committed
  LaneState state_;
  codec::ChainMark mark_;

  // The writer's alone.
  std::optional<SegmentWriter> writer_;
  LaneBook book_;
  bool acks_dirty_ = false;        // the book's anchors differ from the stored ones
  core::Seq anchors_on_disk_ = 0;  // those up to here are stored as they are in the book
  std::size_t words_on_disk_ = 0;
  core::ChainHash chain_{};         // at last_
  bool chain_known_ = true;         // false: begun anew behind a hole
  core::ChainHash staged_chain_{};  // at the last staged event
  std::uint64_t active_bytes_ = 0;  // bodies in the active segment
  std::vector<Staged> staged_;
  std::string bodies_;  // of the staged events
  std::string scratch_;
  std::string name_;
  std::vector<std::string> new_categories_;
  std::optional<EpochInfo> new_epoch_;
  std::filesystem::path half_removed_;  // trimmed, but its files may still be there
  std::filesystem::path half_made_;     // on a filesystem that turned read-only meanwhile
  std::uint64_t active_bytes_max_ = 0;  // then the active segment is finished
  bool failed_ = false;                 // a write failed twice: nothing may be written any more
  std::uint64_t rotate_at_ = 0;         // events; above the limit after a failed attempt
  SegmentCache lookups_;
  FilterBank bank_;
  FilterBank::Mask mask_;  // of the id that is looked for
  std::vector<SealJob> seal_jobs_;
  std::vector<PressureNote> notes_;
  ShorteningEpisode shortening_;
  Dropped dropped_;
  std::optional<core::Error> refusing_;
  bool write_failed_ = false;
  bool disk_full_ = false;
  std::vector<SetAside> found_missing_;  // by open(), not stored yet
  std::vector<LostTail> lost_tails_;
  std::filesystem::path without_wal_;  // the newest segment, if there was no -wal beside it
  Tally tally_;
};

}  // namespace sluice::storage
