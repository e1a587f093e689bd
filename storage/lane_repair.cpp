// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/lane_log.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_health.hpp"
#include "storage/segment_pages.hpp"

// A lane's start, where something is wrong: a segment that was never finished, one that is damaged,
// one that is gone. None of it stops the start.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::GapReason;
using core::Result;
using core::Seq;

namespace {

// A file in which SQLite finds no table may still hold rows, if its first page was destroyed.
bool holds_rows(const std::filesystem::path& path) {
  auto pages = SegmentPages::open(path);
  return pages && !pages->rows().empty();
}

}  // namespace

// A segment without its first transaction was being made when the writer died: it holds nothing.
Result<std::vector<SegmentFile>> LaneLog::usable_segments() {
  SLUICE_TRY(make_folder(folder()));
  auto files = list_segments(folder());
  if (!files) return files;
  // Before anything makes it anew. A writer leaves an empty one behind when it ends in order.
  if (!files->empty() && !std::filesystem::exists(files->back().path.string() + "-wal"))
    without_wal_ = files->back().path;
  std::vector<SegmentFile> usable;
  for (const SegmentFile& file : *files) {
    const auto reader = SegmentReader::open(file.path, context_.vfs);
    const bool is_unfinished = !reader && reader.error().code == Errc::kNotFound;
    if (!reader && reader.error().code == Errc::kUnsupported) return reader.error();
    if (!is_unfinished || holds_rows(file.path)) {
      usable.push_back(file);
      continue;
    }
    context_.logger->warning("log", "removing a segment that was never finished",
                             {{"file", file.path.string()}});
    SLUICE_TRY(remove_segment(file.path));
    if (file.path == without_wal_) note_missing_wal();
  }
  SLUICE_TRY(settle_twins(usable));
  return usable;
}

// Two with one first seq: the younger names the older and has taken its place, either since a write
// failed before the older had any event, or since the older was damaged and salvaged.
Result<void> LaneLog::settle_twins(std::vector<SegmentFile>& files) {
  for (std::size_t i = 0; i + 1 < files.size();) {
    if (files[i].first != files[i + 1].first) {
      ++i;
      continue;
    }
    const auto names = [&](const SegmentFile& one, const SegmentFile& other, SalvageNote& note) {
      const auto reader = SegmentReader::open(one.path, context_.vfs);
      if (!reader || (*reader)->head().previous != other.path.filename()) return false;
      const auto found = load_salvage_note((*reader)->database());
      if (found && *found) note = **found;
      return true;
    };
    SalvageNote note;
    const bool keeps_second = names(files[i + 1], files[i], note);
    const bool is_known = keeps_second || names(files[i], files[i + 1], note);
    const std::size_t loser = keeps_second ? i : is_known || holds_rows(files[i].path) ? i + 1 : i;
    const SegmentFile replaced = files[loser];
    if (is_known && note.file.empty()) {
      context_.logger->warning("log", "removing a segment that was never finished",
                               {{"file", replaced.path.string()}});
      SLUICE_TRY(remove_segment(replaced.path));
    } else {
      if (is_known)
        SLUICE_TRY(write_report(context_.folder, {lane_, note.file, replaced.first, note.last,
                                                  note.kept, note.lost, note.reason}));
      SLUICE_TRY(move_to_damaged(context_.folder, lane_, replaced.path));
    }
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(loser));
  }
  return {};
}

Result<std::optional<SegmentFile>> LaneLog::salvage(const SegmentFile& file, Seq end,
                                                    const std::filesystem::path& previous,
                                                    const core::Error& why) {
  SalvageJob job{context_.folder, context_.gateway, lane_,      file, end,
                 previous,        book_.epochs,     why.message};
  if (end == 0) job.epochs.clear();
  job.vfs = context_.vfs;
  const auto done = salvage_segment(job, *context_.random);
  if (!done) return done.error();
  const SalvagedSegment& counts = done->counts;
  context_.logger->error("log", "a damaged segment was set aside, its readable events were kept",
                         {{"lane", std::string(core::lane_name(lane_))},
                          {"file", counts.file},
                          {"first", std::to_string(counts.first)},
                          {"last", std::to_string(counts.last)},
                          {"kept", std::to_string(counts.kept)},
                          {"lost", std::to_string(counts.lost)},
                          {"reason", counts.reason}});
  return done->file;
}

Result<void> LaneLog::open_newest_of(std::vector<SegmentFile>& files) {
  Seq below = 0;  // no event above it is left
  std::filesystem::path salvaged;
  while (!files.empty()) {
    const SegmentFile file = files.back();
    const auto opened = open_newest(file);
    if (opened) {
      files.pop_back();
      return {};
    }
    writer_.reset();
    if (file.path == salvaged || !is_damage(opened.error(), file.path)) return opened.error();
    const auto previous = files.size() > 1 ? files[files.size() - 2].path : std::filesystem::path();
    const auto made = salvage(file, 0, previous, opened.error());
    if (!made) return made.error();
    files.pop_back();
    below = file.first - 1;
    if (!*made) {
      note_lost_tail(
          0, "nothing of the newest segment, " + file.path.filename().string() + ", could be read");
      continue;
    }
    salvaged = (*made)->path;
    files.push_back(**made);
  }
  segments_.clear();
  streams_.clear();
  book_ = {};
  last_ = below;
  chain_ = staged_chain_ = {};
  chain_known_ = below == 0;
  return rotate();
}

Result<LaneLog::Old> LaneLog::open_old(const SegmentFile& file, Seq next_first, bool is_next) {
  Old old;
  old.segment.path = file.path;
  old.segment.first = file.first;
  if (SegmentPages::wal_broken(file.path))
    return fail(Errc::kCorrupt, file.path.string() + "-wal is damaged");
  const auto reader = SegmentReader::open(file.path, context_.vfs);
  if (!reader) return reader.error();
  SLUICE_TRY(check_segment_head((*reader)->head(), file, context_.gateway, lane_));
  old.previous = (*reader)->head().previous;
  const auto note = load_salvage_note((*reader)->database());
  if (!note) return note.error();
  if ((*reader)->sealed() && wal_bytes(file.path) == 0) {
    const auto last = *note ? Result<Seq>((*note)->last) : (*reader)->last();
    if (!last) return last.error();
    old.last = *last;
    auto filter = (*reader)->filter();
    if (!filter) return filter.error();
    old.segment.filter = std::make_shared<const IdFilter>(std::move(*filter));
    old.segment.sealed = true;
  } else {
    const auto last = check_segment_rows(**reader, is_next ? next_first - 1 : 0);
    if (!last) return last.error();
    old.last = *last;
  }
  if (*note) {
    const auto book = (*reader)->book();
    if (!book) return book.error();
    for (const SetAside& range : book->set_aside)
      if (range.from >= file.first && range.to <= (*note)->last)
        note_missing(range.from, range.to, range.reason);
  }
  old.segment.bytes = storage::segment_bytes(file.path);
  return old;
}

// From the newest back: where a segment ends is said by the one after it.
Result<void> LaneLog::open_older(const std::vector<SegmentFile>& files) {
  std::vector<Segment> older;  // newest first
  Seq next_first = segments_.front().first;
  std::string next_previous;
  if (const auto reader = SegmentReader::open(segments_.front().path, context_.vfs))
    next_previous = (*reader)->head().previous;
  for (std::size_t i = files.size(); i-- > 0;) {
    SegmentFile file = files[i];
    const bool is_next = next_previous == file.path.filename();
    auto old = open_old(file, next_first, is_next);
    if (!old && old.error().code == Errc::kNotFound)
      old = fail(Errc::kCorrupt, file.path.string() + ": its head is unreadable");
    if (!old && is_damage(old.error(), file.path)) {
      const auto made = salvage(file, next_first - 1,
                                i > 0 ? files[i - 1].path : std::filesystem::path(), old.error());
      if (!made) return made.error();
      if (!*made) {
        note_missing(file.first, next_first - 1, GapReason::kDamaged);
        next_first = file.first;
        next_previous.clear();
        continue;
      }
      old = open_old(**made, next_first, false);
    }
    if (!old) return old.error();
    if (old->last + 1 < next_first) note_missing(old->last + 1, next_first - 1, GapReason::kLost);
    next_first = old->segment.first;
    next_previous = old->previous;
    older.push_back(std::move(old->segment));
  }
  segments_.insert(segments_.begin(), std::make_move_iterator(older.rbegin()),
                   std::make_move_iterator(older.rend()));
  return {};
}

// A range that no segment holds: gap records will stand there. Told once.
void LaneLog::note_missing(Seq from, Seq to, GapReason reason) {
  std::uint64_t lost = 0;
  for (const SetAside& range : split_by_epochs(book_.epochs, from, to, reason)) {
    Seq next = range.from;
    for (const SetAside& known : book_.set_aside)
      if (known.from <= next && next <= known.to) next = known.to + 1;
    if (next > range.to) continue;
    lost += range.to - range.from + 1;
    std::erase_if(book_.set_aside, [&](const SetAside& known) { return known.from == range.from; });
    book_.set_aside.push_back(range);
    found_missing_.push_back(range);
  }
  std::sort(book_.set_aside.begin(), book_.set_aside.end(),
            [](const SetAside& a, const SetAside& b) { return a.from < b.from; });
  if (lost == 0 || reason != GapReason::kLost) return;
  context_.logger->error("log", "a segment is missing: its events are gone from this log",
                         {{"lane", std::string(core::lane_name(lane_))},
                          {"from", std::to_string(from)},
                          {"to", std::to_string(to)}});
  const auto written = write_report(
      context_.folder, {lane_, "", from, to, 0, to - from + 1, "no file was found for this range"});
  if (!written)
    context_.logger->warning("log", "cannot note a missing segment",
                             {{"error", core::to_string(written.error())}});
}

void LaneLog::note_missing_wal() {
  note_lost_tail(0, "there was no " + without_wal_.filename().string() + "-wal, which holds what " +
                        "came last");
}

void LaneLog::note_lost_tail(Seq known, const std::string& how) {
  lost_tails_.insert(lost_tails_.begin(), {lane_, known, last_, how});
  context_.logger->warning("log", "the lane may have lost its newest events",
                           {{"lane", std::string(core::lane_name(lane_))},
                            {"last", std::to_string(last_)},
                            {"why", how}});
}

}  // namespace sluice::storage
