// SPDX-License-Identifier: Apache-2.0
#include "storage/lane_log.hpp"

#include <algorithm>
#include <mutex>

#include "core/codec/event_codec.hpp"
#include "storage/retention.hpp"
#include "storage/segment_file.hpp"

// What a lane does beside appending: sealing and trimming, and the reads of other threads.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

std::uint64_t LaneLog::powered_now() const {
  return book_.powered.at(context_.clock->boot(), context_.clock->monotonic_ns());
}

void LaneLog::count_powered() {
  const std::uint64_t monotonic_ns = context_.clock->monotonic_ns();
  const core::Uuid boot = context_.clock->boot();
  book_.powered = {book_.powered.at(boot, monotonic_ns), boot, monotonic_ns};
}

void LaneLog::indexed(Seq first, IdFilter filter) {
  const std::unique_lock lock(mutex_);
  for (Segment& segment : segments_) {
    if (segment.first != first) continue;
    segment.filter = std::make_shared<const IdFilter>(std::move(filter));
    bank(segment);
    segment.index.reset();
    segment.known_ids.reset();
    lookups_.forget(segment.path);
    return;
  }
}

void LaneLog::sealed(Seq first) {
  const std::unique_lock lock(mutex_);
  for (Segment& segment : segments_) {
    if (segment.first != first) continue;
    segment.sealed = true;
    segment.bytes = storage::segment_bytes(segment.path);
    lookups_.forget(segment.path);
    return;
  }
}

Result<std::uint64_t> LaneLog::trim() {
  SLUICE_TRY(remove_half_removed());
  note_acked_segments();
  std::uint64_t removed = 0;
  while (segments_.size() > 1) {
    const Segment& oldest = segments_.front();
    const auto acked = book_.acked_segments.find(oldest.first);
    if (acked == book_.acked_segments.end() || !oldest.sealed ||
        !may_trim(acked->second, powered_now(), book_.anchors.cursor(), book_.trim_after,
                  context_.settings.retention))
      break;
    SLUICE_TRY(remove_oldest());
    ++removed;
  }
  if (removed > 0) {
    forget_trimmed();
    publish();
  }
  return removed;
}

// One that could not be removed last time goes first: were a younger one to go before it, the next
// start would find a hole between them.
Result<void> LaneLog::remove_half_removed() {
  if (half_removed_.empty()) return {};
  SLUICE_TRY(remove_segment(half_removed_));
  half_removed_.clear();
  return {};
}

// Many filters are asked at once if each is a column of the bank; its own bits are not needed then.
void LaneLog::bank(Segment& segment) {
  if (segment.column || !segment.filter || !FilterBank::fits(*segment.filter)) return;
  segment.column = bank_.add(*segment.filter);
  segment.filter = std::make_shared<const IdFilter>(segment.filter->without_bits());
}

void LaneLog::unbank(const Segment& segment) {
  if (segment.column) bank_.remove(*segment.column);
}

Result<void> LaneLog::remove_oldest() {
  half_removed_ = segments_.front().path;
  book_.acked_segments.erase(segments_.front().first);
  lookups_.forget(half_removed_);
  unbank(segments_.front());
  {
    const std::unique_lock lock(mutex_);
    segments_.erase(segments_.begin());
    state_.first = segments_.front().first;
  }
  return remove_half_removed();
}

// What only spoke of trimmed events. On disk it goes with the next segment.
void LaneLog::forget_trimmed() {
  const Seq first = segments_.front().first;
  // A range that was dropped before it was acked is still to be told to the hub, in its epoch.
  const Seq cursor = book_.anchors.cursor();
  std::erase_if(book_.set_aside,
                [&](const SetAside& range) { return range.to < first && range.to <= cursor; });
  Seq needed = first;
  if (!book_.anchors.entries().empty())
    needed = std::min(needed, book_.anchors.entries().back().seq);
  for (const SetAside& range : book_.set_aside) needed = std::min(needed, range.from);
  const auto& epochs = book_.epochs;
  std::size_t gone = 0;
  while (gone + 1 < epochs.size() && epochs[gone + 1].first_seq <= needed) ++gone;
  book_.epochs.erase(book_.epochs.begin(),
                     book_.epochs.begin() + static_cast<std::ptrdiff_t>(gone));
  book_.anchors.cut_below(first);
  std::erase_if(book_.acked_segments, [&](const auto& entry) { return entry.first < first; });
}

std::uint64_t LaneLog::dedup_window_ms() const {
  if (book_.acked_segments.empty()) return 0;
  const std::uint64_t since = book_.acked_segments.begin()->second;
  const std::uint64_t now = powered_now();
  return now > since ? now - since : 0;
}

void LaneLog::publish() {
  const std::unique_lock lock(mutex_);
  segments_.back().bytes = storage::segment_bytes(segments_.back().path);
  state_.bytes = 0;
  for (const Segment& segment : segments_) state_.bytes += segment.bytes;
  state_.first = segments_.front().first;
  state_.last = last_;
  state_.acked = book_.anchors.cursor();
  state_.segments = segments_.size();
  state_.streams = streams_.live();
  mark_ = {context_.epoch, last_, chain_};
}

void LaneLog::close() {
  if (!writer_) return;
  count_powered();
  if (!failed_ && !refusing_ && writer_->begin()) {
    const bool saved = static_cast<bool>(
        update_acks(writer_->database(), book_, anchors_on_disk_, words_on_disk_));
    if (saved)
      (void)writer_->commit();
    else
      writer_->rollback();
  }
  writer_->database().set_busy_timeout(0);  // a reader must not hold up the stop
  if (!failed_ && !refusing_)
    (void)writer_->database().checkpoint(sqlite::Database::Checkpoint::kTruncate);
  writer_.reset();
  lookups_.clear();
}

codec::ChainMark LaneLog::chain_mark() const {
  const std::shared_lock lock(mutex_);
  return mark_;
}

std::uint64_t LaneLog::version_of(const std::string& stream) const {
  const std::shared_lock lock(mutex_);
  const StreamTable::Index known = streams_.find(stream);
  return known == StreamTable::kNone ? 0 : streams_.version(known);
}

LaneState LaneLog::state() const {
  const std::shared_lock lock(mutex_);
  return state_;
}

std::filesystem::path LaneLog::newest_holding(Seq seq) const {
  const std::shared_lock lock(mutex_);
  for (auto segment = segments_.rbegin(); segment != segments_.rend(); ++segment)
    if (segment->first <= seq) return segment->path;
  return {};
}

std::uint64_t LaneLog::wal_size() const {
  const std::shared_lock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_)
    if (!segment.sealed) bytes += storage::wal_bytes(segment.path);
  return bytes;
}

namespace {

Result<void> read_all(SegmentCache& cache, const std::filesystem::path& path,
                      const std::vector<Seq>& seqs, std::vector<Record>& out) {
  const auto reader = cache.get(path);
  if (!reader) return reader.error();
  for (const Seq seq : seqs) {
    auto record = (*reader)->read_one(seq);
    if (!record) return record.error();
    if (!*record) return {};  // staged, not committed yet: nothing after it is either
    out.push_back(std::move(**record));
  }
  return {};
}

}  // namespace

namespace {

// Of a segment that could not be sealed. Ends with kCorrupt at a damaged row unless enough was
// found before it: whose row it was cannot be known, so going on could leave out one of this
// stream.
Result<std::vector<Seq>> scan_positions(SegmentReader& reader, const std::string& stream,
                                        std::uint64_t from, std::size_t limit) {
  std::vector<Seq> seqs;
  const auto last = reader.last();
  if (!last) return last.error();
  for (Seq next = reader.head().first_seq; seqs.size() < limit && next <= *last;) {
    std::vector<Record> page;
    SLUICE_TRY(reader.read(next, *last, core::limits::kReaderRows, 1u << 20, page));
    if (page.empty()) break;
    next = page.back().seq + 1;
    for (const Record& record : page) {
      const auto event = codec::decode_trusted(record.body);
      if (!event) return event.error();
      if (event->version >= from && event->stream().text() == stream) seqs.push_back(record.seq);
    }
  }
  return seqs;
}

}  // namespace

Result<std::vector<Record>> LaneLog::read_stream(SegmentCache& cache, const std::string& stream,
                                                 std::uint64_t from, std::size_t limit) const {
  struct Part {
    std::filesystem::path path;
    std::vector<Seq> seqs;
  };
  std::vector<Part> in_memory;  // newest first
  struct OldFile {
    std::filesystem::path path;
    bool has_index;
  };
  std::vector<OldFile> on_disk;  // newest first
  if (from == 0) from = 1;
  {
    const std::shared_lock lock(mutex_);
    const StreamTable::Index known = streams_.find(stream);
    if (known == StreamTable::kNone) return std::vector<Record>();
    std::uint64_t version = streams_.version(known);
    for (auto segment = segments_.rbegin(); segment != segments_.rend() && version >= from;
         ++segment) {
      if (!segment->index) {
        on_disk.push_back({segment->path, segment->filter != nullptr});
        continue;
      }
      in_memory.push_back({segment->path, segment->index->positions(known, version, from, limit)});
      version -= segment->index->count(known);
    }
  }
  // From the newest back to the first that starts below `from`; mostly that is the newest.
  std::vector<Part> parts;
  for (const auto& [path, has_index] : on_disk) {
    const auto reader = cache.get(path);
    if (!reader) return reader.error();
    auto seqs = has_index ? (*reader)->positions(stream, from, limit)
                          : scan_positions(**reader, stream, from, limit);
    if (!seqs) return seqs.error();
    parts.push_back({path, std::move(*seqs)});
    const auto start = (*reader)->starting_version(stream);
    if (!start) return start.error();
    if (*start < from) break;
  }
  std::reverse(parts.begin(), parts.end());
  std::move(in_memory.rbegin(), in_memory.rend(), std::back_inserter(parts));
  std::vector<Record> records;
  for (Part& part : parts) {
    if (records.size() >= limit) break;
    if (part.seqs.size() > limit - records.size()) part.seqs.resize(limit - records.size());
    SLUICE_TRY(read_all(cache, part.path, part.seqs, records));
  }
  return records;
}

}  // namespace sluice::storage
