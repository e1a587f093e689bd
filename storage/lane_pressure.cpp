// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "storage/lane_log.hpp"
#include "storage/retention.hpp"
#include "storage/segment_file.hpp"

// A lane that lacks room: what goes before its time, what is told of it, and how a lane that cannot
// write any more waits for better days.
namespace sluice::storage {

using core::Error;
using core::fail;
using core::Result;
using core::Seq;

bool LaneLog::over_quota(std::uint64_t more) const {
  return state_.bytes + more > context_.settings.lanes[core::index(lane_)].quota_bytes;
}

Result<void> LaneLog::check_quota() const {
  const LaneSettings& own = context_.settings.lanes[core::index(lane_)];
  const std::uint64_t needed = quota_needed(streams_.live());
  if (!own.drops_oldest() || own.quota_bytes >= needed) return {};
  const std::string name(core::lane_name(lane_));
  return fail(core::Errc::kConfig,
              "lane " + name + " has " + std::to_string(streams_.live()) +
                  " streams: with policy = \"drop-oldest\" it needs a quota of at least " +
                  std::to_string(needed) + " bytes, not " + std::to_string(own.quota_bytes),
              "log." + name + ".quota");
}

std::uint64_t LaneLog::active_wal() const {
  return storage::wal_bytes(segments_.back().path);
}

Result<std::uint64_t> LaneLog::give_up_oldest(bool also_unacked, std::string_view reason,
                                              const Withdraw& withdraw) {
  if (failed_ || refusing_) return std::uint64_t{0};
  SLUICE_TRY(remove_half_removed());
  const Seq cursor = book_.anchors.cursor();
  if (segments_.size() == 1) {
    const bool may_go = also_unacked || (cursor >= last_ && cursor >= book_.trim_after);
    // A small one is not worth a new file: on a full disk that takes more than it gives.
    const bool is_worth = over_quota(0) || active_bytes_ >= active_bytes_max_ / 4;
    if (!may_go || !is_worth || segments_.back().index->size() == 0) return std::uint64_t{0};
    SLUICE_TRY(rotate());
  }
  note_acked_segments();
  const Segment& oldest = segments_.front();
  const Seq first = oldest.first;
  const Seq last = segments_[1].first - 1;
  const std::uint64_t bytes = storage::segment_bytes(oldest.path);
  const bool is_acked = last <= cursor && cursor >= book_.trim_after;
  if (!is_acked && !also_unacked) return std::uint64_t{0};
  const auto is_it = [&](const SealJob& job) { return job.first == first; };
  const bool is_ours = std::erase_if(seal_jobs_, is_it) > 0;
  if (!oldest.sealed && !oldest.known_ids && !is_ours && !withdraw(first)) return std::uint64_t{0};

  PressureNote note;
  note.lane = lane_;
  note.reason = reason;
  if (!is_acked) {
    const auto ranges =
        ranges_to_drop(std::max(first, cursor + 1), last, book_.epochs, book_.set_aside);
    SLUICE_TRY(write_set_aside(ranges));
    note.kind = PressureNote::Kind::kEventsDropped;
    for (const SetAside& range : ranges) {
      note.from = note.from == 0 ? range.from : note.from;
      note.to = range.to;
      note.events += range.to - range.from + 1;
    }
    dropped_.events += note.events;
    if (note.events > 0) add_note(notes_, note);
  }
  const auto acked_at = book_.acked_segments.find(first);
  const bool is_early = is_acked && acked_at != book_.acked_segments.end() &&
                        !may_trim(acked_at->second, powered_now(), cursor, book_.trim_after,
                                  context_.settings.retention);
  SLUICE_TRY(remove_oldest());
  ++dropped_.segments;
  forget_trimmed();
  publish();
  if (is_early && shortening_.begins(powered_now())) {
    note.kind = PressureNote::Kind::kWindowShortened;
    note.from = first;
    note.to = last;
    note.events = last - first + 1;
    note.window_ms = dedup_window_ms();
    add_note(notes_, note);
  }
  return std::max<std::uint64_t>(bytes, 1);
}

// Before the file goes: a crash in between leaves events that are replaced though they are there.
Result<void> LaneLog::write_set_aside(const std::vector<SetAside>& ranges) {
  if (ranges.empty()) return {};
  LaneWork work;
  for (const SetAside& range : ranges) work.set_aside.emplace_back(range, nullptr);
  const auto before = book_.set_aside;
  apply_acks(work);
  auto written = write(work);
  if (!written && written.error().code != core::Errc::kLimit)
    written = write_again_elsewhere(work, Result<void>(written).error());
  if (written) return {};
  write_failed_ = true;
  if (written.error().code == core::Errc::kLimit) disk_full_ = true;
  book_.set_aside = before;
  return written;
}

// The old segment may hold rows of unknown outcome, so it is never written again:
// try_to_write_again begins a new one, whose head says that they do not count.
void LaneLog::refuse_from_now_on(const Error& why) {
  const bool is_full = why.code == core::Errc::kLimit;
  refusing_ = is_full ? fail(core::Errc::kLimit, "the disk is full: " + why.message)
                      : fail(core::Errc::kUnavailable,
                             "the log's filesystem is read-only, nothing can be stored: what is "
                             "there is read and sent on",
                             "read_only");
  context_.logger->error(
      "log", "nothing can be written; what is on disk is still read and sent",
      {{"lane", std::string(core::lane_name(lane_))}, {"error", core::to_string(why)}});
}

void LaneLog::try_to_write_again() {
  if (!refusing_ || failed_ || (context_.read_only && context_.read_only())) return;
  if (!half_made_.empty() && !remove_segment(half_made_)) return;
  half_made_.clear();
  if (!rotate()) return;
  refusing_.reset();
  context_.logger->warning("log", "the log can be written again",
                           {{"lane", std::string(core::lane_name(lane_))}});
}

}  // namespace sluice::storage
