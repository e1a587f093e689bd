// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "storage/lane_log.hpp"
#include "storage/segment_file.hpp"

// One group commit: stage, write, and if the outcome of the write is unknown, write the same events
// once more into a new segment.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

namespace {

// A reader that never ends its transaction would let one WAL grow without end: the segment is
// finished early instead; beyond the cap of all lanes together each that is larger than SQLite's
// own checkpoints leave it.
constexpr std::uint64_t kWalBytesMax = 16u << 20;
constexpr std::uint64_t kWalBytesWorth = 6u << 20;
// Segments that wait for the sealer; beyond these the active one grows instead.
constexpr std::ptrdiff_t kUnsealedMax = 4;
constexpr std::uint64_t kRotateRetryEvents = 4096;

}  // namespace

Result<void> LaneLog::commit(LaneWork& work) {
  if (full(work.finish_early) && !refusing_) {
    const auto rotated = rotate();
    if (!rotated && !failed_) {
      rotate_at_ = segments_.back().index->size() + kRotateRetryEvents;
      context_.logger->warning("log", "cannot start a new segment, going on with the old one",
                               {{"error", core::to_string(rotated.error())}});
    }
  }
  std::vector<Outcome> outcomes;
  outcomes.reserve(work.appends.size());
  for (const PendingAppend& append : work.appends) outcomes.push_back(stage(append, work));
  Result<void> written;
  if (refusing_) {
    LaneWork only_acks;
    only_acks.acks = std::move(work.acks);
    apply_acks(only_acks);  // in memory, until there is a place to write them to
    written = *refusing_;
    publish();
    answer(work, outcomes, written);
    return {};
  }
  apply_acks(work);
  if (failed_) {
    written = fail(Errc::kIo, "the log stopped after a failed write");
  } else if (!staged_.empty() || acks_dirty_ || !work.rewinds.empty() || !work.set_aside.empty()) {
    written = write(work);
    if (!written && written.error().code != Errc::kLimit)
      written = write_again_elsewhere(work, Result<void>(written).error());
  }
  if (!written) forget_staged();
  write_failed_ = !written;
  if (!written && written.error().code == Errc::kLimit) disk_full_ = true;
  if (!written) publish();  // the acks are known, though not written
  answer(work, outcomes, written);
  if (failed_) return written.error();
  return {};
}

Result<void> LaneLog::write(const LaneWork& work) {
  SLUICE_TRY(writer_->begin());
  auto written = write_rows(work);
  if (written) written = writer_->commit();
  if (!written) {
    writer_->rollback();
    return std::move(written).error();
  }
  ++tally_.commits;
  for (const Staged& staged : staged_) active_bytes_ += staged.body_size;
  chain_ = staged_chain_;
  new_categories_.clear();
  new_epoch_.reset();
  if (acks_dirty_) note_stored_anchors();
  {
    const std::unique_lock lock(mutex_);
    last_ += staged_.size();
  }
  staged_.clear();
  bodies_.clear();
  publish();
  return {};
}

Result<void> LaneLog::write_rows(const LaneWork& work) {
  const std::string_view bodies = bodies_;
  Seq seq = last_;
  for (const Staged& staged : staged_)
    SLUICE_TRY(writer_->insert(++seq, staged.crc, bodies.substr(staged.body_at, staged.body_size)));
  sqlite::Database& database = writer_->database();
  if (new_epoch_) SLUICE_TRY(insert_epoch(database, *new_epoch_));
  for (const std::string& category : new_categories_)
    SLUICE_TRY(insert_category(database, category));
  for (const auto& [range, done] : work.set_aside) SLUICE_TRY(insert_set_aside(database, range));
  if (acks_dirty_) SLUICE_TRY(update_acks(database, book_, anchors_on_disk_, words_on_disk_));
  return {};
}

// The rows may or may not be in the old segment, now or after a crash. They are written again, with
// the same seqs and bytes, into a new segment, whose head says that the old one ends before them.
Result<void> LaneLog::write_again_elsewhere(const LaneWork& work, const core::Error& why) {
  context_.logger->error(
      "log",
      "a write failed; its outcome is unknown, so it is repeated in a new "
      "segment",
      {{"lane", std::string(core::lane_name(lane_))}, {"error", core::to_string(why)}});
  std::vector<Staged> batch = staged_;
  {
    const std::unique_lock lock(mutex_);
    take_back(0);
  }
  auto again = rotate();
  if (again) {
    staged_ = std::move(batch);
    const std::unique_lock lock(mutex_);
    apply_again();
  }
  if (again) again = write(work);
  if (again) return {};
  // No restart would help here: there an epoch must be written before anything is read or sent.
  if (!failed_ &&
      (again.error().code == Errc::kLimit || (context_.read_only && context_.read_only()))) {
    refuse_from_now_on(again.error());
    return *refusing_;
  }
  failed_ = true;
  if (!again)
    return fail(Errc::kIo, "the log stops, a write failed twice: " + again.error().message);
  return {};
}

Result<void> LaneLog::rotate() {
  SegmentHead head{context_.gateway, lane_, last_ + 1, chain_, {}};
  if (!segments_.empty()) head.previous = segments_.back().path.filename().string();
  count_powered();
  AnchorBook compacted = book_.anchors.compacted(context_.gateway, lane_);
  std::swap(book_.anchors, compacted);
  const auto path = folder() / segment_name(last_ + 1, *context_.random);
  auto writer = SegmentWriter::create(path, head, streams_, book_, context_.vfs);
  if (!writer) {
    std::swap(book_.anchors, compacted);  // the old segment knows the words by these numbers
    // If it were left, the next start could take it for the newest, and all after it for lost. On
    // a filesystem that turned read-only nothing comes after it.
    const auto removed = remove_segment(path);
    if (!removed && context_.read_only && context_.read_only())
      half_made_ = path;
    else if (!removed)
      failed_ = true;
    return writer.error();
  }
  writer_.reset();
  writer_.emplace(std::move(*writer));
  Segment fresh;
  fresh.path = path;
  fresh.first = last_ + 1;
  fresh.index = std::make_shared<SegmentIndex>(last_ + 1);
  std::filesystem::path replaced;
  if (!segments_.empty()) {
    lookups_.forget(segments_.back().path);
    if (segments_.back().first == fresh.first)
      replaced = segments_.back().path;
    else
      seal_jobs_.push_back({segments_.back().path, segments_.back().first, last_});
  }
  {
    const std::unique_lock lock(mutex_);
    if (!replaced.empty()) segments_.pop_back();
    segments_.push_back(std::move(fresh));
  }
  // No event of it counts, and its name starts with the same seq.
  if (!replaced.empty()) SLUICE_TRY(remove_segment(replaced));
  active_bytes_ = 0;
  rotate_at_ = context_.settings.segment_events;
  note_stored_anchors();
  return {};
}

// The cursor itself may be replaced by the next one, so it counts as not stored.
void LaneLog::note_stored_anchors() {
  const auto& anchors = book_.anchors.entries();
  anchors_on_disk_ = anchors.size() < 2 ? 0 : anchors[anchors.size() - 2].acked;
  words_on_disk_ = book_.anchors.words().size();
  acks_dirty_ = false;
}

bool LaneLog::full(bool finish_early) const {
  const std::size_t events = segments_.back().index->size();
  if (events == 0) return false;
  const auto unsealed =
      std::count_if(segments_.begin(), segments_.end(),
                    [](const Segment& segment) { return segment.index != nullptr; });
  if (unsealed > kUnsealedMax) return false;
  return events >= rotate_at_ || (rotate_at_ == context_.settings.segment_events &&
                                  (active_bytes_ >= active_bytes_max_ ||
                                   active_wal() > (finish_early ? kWalBytesWorth : kWalBytesMax)));
}

void LaneLog::forget_staged() {
  {
    const std::unique_lock lock(mutex_);
    take_back(0);
  }
  bodies_.clear();
  staged_chain_ = chain_;
  for (const std::string& category : new_categories_) book_.categories.erase(category);
  new_categories_.clear();
}

void LaneLog::apply_acks(const LaneWork& work) {
  for (const auto& [acked, done] : work.rewinds) {
    book_.trim_after = std::max(book_.trim_after, book_.anchors.cursor());
    book_.anchors.cut_above(acked);
    anchors_on_disk_ = std::min(anchors_on_disk_, acked);
  }
  for (const Anchor& anchor : work.acks)
    if (anchor.acked <= last_) book_.anchors.add(anchor, context_.gateway, lane_);
  if (book_.anchors.cursor() >= book_.trim_after) book_.trim_after = 0;
  for (const auto& [range, done] : work.set_aside) {
    std::erase_if(book_.set_aside, [&](const SetAside& known) { return known.from == range.from; });
    book_.set_aside.push_back(range);
  }
  if (work.acks.empty() && work.rewinds.empty()) return;
  acks_dirty_ = true;
  note_acked_segments();
  count_powered();
}

void LaneLog::note_acked_segments() {
  const Seq cursor = book_.anchors.cursor();
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
    const Seq last = segments_[i + 1].first - 1;
    if (last <= cursor)
      book_.acked_segments.try_emplace(segments_[i].first, powered_now());
    else
      book_.acked_segments.erase(segments_[i].first);
  }
}

void LaneLog::answer(LaneWork& work, std::vector<Outcome>& outcomes, const Result<void>& written) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Outcome& outcome = outcomes[i];
    // A duplicate of an event that was on disk before stays a success.
    if (outcome && !written &&
        std::any_of(outcome->begin(), outcome->end(),
                    [&](const Appended& position) { return position.seq > last_; }))
      outcome = written.error();
    if (!outcome)
      ++tally_.refused;
    else if (!outcome->empty() && outcome->front().duplicate)
      tally_.duplicates += outcome->size();
    else
      tally_.appended += outcome->size();
  }
  if (work.counted) work.counted();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    work.appends[i].callback(std::move(outcomes[i]));
  for (const auto& [acked, done] : work.rewinds)
    if (done) done(written);
  for (const auto& [range, done] : work.set_aside)
    if (done) done(written);
}

}  // namespace sluice::storage
