// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "core/codec/event_codec.hpp"
#include "storage/lane_log.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_health.hpp"
#include "storage/segment_pages.hpp"

// A lane's start: finish what a crash interrupted, rebuild the memory from the newest segment, open
// the epoch.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

LaneLog::LaneLog(const LogContext& context, core::Lane lane)
    : context_(context),
      lane_(lane),
      active_bytes_max_(segment_bytes_max(context.settings.segment_bytes,
                                          context.settings.lanes[core::index(lane)].quota_bytes)),
      rotate_at_(context.settings.segment_events),
      lookups_(8, context.vfs) {}

Result<void> LaneLog::open(const std::function<core::Lane(const std::string&)>& lane_of) {
  auto files = usable_segments();
  if (!files) return files.error();
  SLUICE_TRY(open_newest_of(*files));
  SLUICE_TRY(open_older(*files));
  SLUICE_TRY(check_categories(lane_of));
  drop_foreign_anchors();
  for (LostTail& tail : lost_tails_) tail.last = last_;
  forget_trimmed();
  SLUICE_TRY(open_epoch());
  if (context_.fresh_segments) SLUICE_TRY(rotate());
  seal_jobs_.clear();
  // After the epoch: on a disk that is nearly full the seal may take the last of its room.
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i)
    if (!segments_[i].filter) finish_seal(segments_[i], segments_[i + 1].first - 1);
  for (Segment& segment : segments_) bank(segment);
  SLUICE_TRY(check_quota());
  publish();
  return {};
}

// A seal that a crash interrupted. Where it cannot be finished, the ids are kept in memory instead:
// a device's retry must be recognised for as long as the first copy is in the log.
void LaneLog::finish_seal(Segment& segment, Seq last) {
  const SealJob job{segment.path, segment.first, last};
  Result<IdFilter> filter = fail(Errc::kInternal, "");
  {
    auto sealer = SegmentSealer::open(job, context_.vfs);
    filter = sealer ? sealer->write_indexes() : Result<IdFilter>(sealer.error());
    if (filter) {
      const auto emptied = sealer->empty_wal();
      segment.sealed = emptied && *emptied;
    }
  }
  if (filter) segment.filter = std::make_shared<const IdFilter>(std::move(*filter));
  if (!filter) {
    segment.known_ids = readable_ids(job);
    context_.logger->error("log", "a segment cannot be sealed and is left as it is",
                           {{"file", segment.path.string()},
                            {"readable", std::to_string(segment.known_ids->size())},
                            {"error", core::to_string(filter.error())}});
  }
  const bool is_damaged = !filter && filter.error().code == Errc::kCorrupt;
  if (!segment.sealed && !is_damaged) seal_jobs_.push_back(job);
  segment.bytes = storage::segment_bytes(segment.path);
}

std::shared_ptr<const KnownIds> LaneLog::readable_ids(const SealJob& job) const {
  auto ids = std::make_shared<KnownIds>();
  const auto reader = SegmentReader::open(job.path, context_.vfs);
  for (Seq seq = job.first; reader && seq <= job.last; ++seq) {
    const auto record = (*reader)->read_one(seq);
    if (!record || !*record) continue;
    if (const auto event = codec::decode_trusted((*record)->body)) ids->emplace(event->id, seq);
  }
  return ids;
}

Result<void> LaneLog::open_newest(const SegmentFile& file) {
  segments_.clear();
  streams_.clear();
  book_ = {};
  active_bytes_ = 0;
  chain_known_ = true;
  if (SegmentPages::wal_broken(file.path))
    return fail(Errc::kCorrupt, file.path.string() +
                                    "-wal: a page of an old transaction does not "
                                    "match its checksum");
  {
    const auto reader = SegmentReader::open(file.path, context_.vfs);
    if (!reader) return reader.error();
    SLUICE_TRY(check_segment_head((*reader)->head(), file, context_.gateway, lane_));
    const auto note = load_salvage_note((*reader)->database());
    if (!note) return note.error();
    if ((*reader)->sealed() || *note) return open_finished(**reader);
  }
  auto writer = SegmentWriter::open(file.path, context_.vfs);
  if (!writer) return writer.error();
  auto head = load_head(writer->database());
  if (!head) return head.error();
  auto book = load_book(writer->database(), *head);
  if (!book) return book.error();
  book_ = std::move(*book);
  SLUICE_TRY(load_streams(writer->database(), streams_));
  Segment segment;
  segment.path = file.path;
  segment.first = file.first;
  segment.index = std::make_shared<SegmentIndex>(file.first);
  segments_.push_back(std::move(segment));
  SLUICE_TRY(scan_newest(writer->database(), *head));
  writer_.emplace(std::move(*writer));
  note_stored_anchors();
  if (file.path == without_wal_) note_missing_wal();
  return {};
}

// The newest, and yet nothing may be appended to it: what came after it is gone, or it was salvaged
// and has holes. A new segment begins behind it.
Result<void> LaneLog::open_finished(SegmentReader& reader) {
  auto book = reader.book();
  if (!book) return book.error();
  book_ = std::move(*book);
  SLUICE_TRY(reader.streams(streams_));
  SLUICE_TRY(scan_finished(reader));
  Segment segment;
  segment.path = reader.path();
  segment.first = reader.head().first_seq;
  segment.bytes = storage::segment_bytes(segment.path);
  segments_.push_back(std::move(segment));
  return rotate();
}

Result<void> LaneLog::scan_finished(SegmentReader& reader) {
  const auto note = load_salvage_note(reader.database());
  if (!note) return note.error();
  last_ = reader.head().first_seq - 1;
  chain_ = reader.head().chain;
  chain_known_ = !*note || (*note)->knows_chain;
  const auto pass_hole = [&](Seq to) {
    last_ = to;
    chain_ = {};
    chain_known_ = false;
  };
  for (;;) {
    std::vector<Record> page;
    SLUICE_TRY(reader.read(last_ + 1, INT64_MAX, core::limits::kReaderRows, 1u << 20, page));
    if (page.empty()) break;
    for (const Record& record : page) {
      if (record.seq != last_ + 1 && !*note)
        return fail(Errc::kCorrupt, reader.path().string() + ": the event with seq " +
                                        std::to_string(last_ + 1) + " is missing");
      if (record.seq != last_ + 1) pass_hole(record.seq - 1);
      const auto event = codec::decode_trusted(record.body);
      if (!event) return event.error();
      const StreamTable::Index stream = streams_.find_or_add(event->stream().text());
      streams_.set_version(stream, std::max(streams_.version(stream), event->version));
      chain_ = core::chain_next(chain_, record.body);
      last_ = record.seq;
    }
  }
  if (*note && (*note)->last > last_) pass_hole((*note)->last);
  staged_chain_ = chain_;
  return {};
}

Result<void> LaneLog::scan_newest(sqlite::Database& database, const SegmentHead& head) {
  last_ = head.first_seq - 1;
  chain_ = head.chain;
  auto rows = database.prepare("SELECT seq,crc,body FROM event ORDER BY seq");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    const auto seq = static_cast<Seq>(rows->integer(0));
    const std::string_view body = rows->blob(2);
    if (seq != last_ + 1)
      return fail(Errc::kCorrupt, database.path().string() + ": the event with seq " +
                                      std::to_string(last_ + 1) + " is missing");
    SLUICE_TRY(check_row(database, seq, rows->integer(1), body));
    const auto event = codec::decode_trusted(body);
    if (!event) return event.error();
    name_.assign(event->category).append("/").append(event->entity);
    const StreamTable::Index stream = streams_.find_or_add(name_);
    if (event->version != streams_.version(stream) + 1)
      return fail(Errc::kCorrupt, database.path().string() + ": seq " + std::to_string(seq) +
                                      " is version " + std::to_string(event->version) + " of " +
                                      name_ + ", " + std::to_string(streams_.version(stream) + 1) +
                                      " is due");
    streams_.set_version(stream, event->version);
    segments_.back().index->push(event->id, stream);
    chain_ = core::chain_next(chain_, body);
    active_bytes_ += body.size();
    last_ = seq;
  }
  staged_chain_ = chain_;
  return {};
}

Result<void> LaneLog::check_categories(
    const std::function<core::Lane(const std::string&)>& lane_of) const {
  for (const std::string& category : book_.categories) {
    const core::Lane configured = lane_of(category);
    if (configured == lane_) continue;
    return fail(Errc::kConfig,
                "category '" + category + "' was first stored in lane " +
                    std::string(core::lane_name(lane_)) + " and cannot move to lane " +
                    std::string(core::lane_name(configured)) + ": set it back",
                "gateway.lanes." + category);
  }
  return {};
}

// An old copy of the log, or one whose tail was lost, can know the hub's answers to events that it
// does not have: they say nothing about what will get those seqs now.
void LaneLog::drop_foreign_anchors() {
  const auto epoch_of = [&](Seq seq) {
    core::Epoch epoch;
    for (const EpochInfo& info : book_.epochs)
      if (info.first_seq <= seq) epoch = info.epoch;
    return epoch;
  };
  for (;;) {
    const auto& anchors = book_.anchors.entries();
    if (anchors.empty()) return;
    const Anchor newest = book_.anchors.expand(anchors.back(), context_.gateway, lane_);
    if (newest.acked <= last_ && newest.seq <= last_ && epoch_of(newest.seq) == newest.epoch)
      return;
    context_.logger->warning(
        "log", "dropping an anchor that no event of this log matches",
        {{"lane", std::string(core::lane_name(lane_))}, {"acked", std::to_string(newest.acked)}});
    const bool is_new = lost_tails_.empty() || lost_tails_.front().known == 0;
    if (newest.acked > last_ && is_new)
      note_lost_tail(newest.acked,
                     "the hub has acknowledged events up to seq " + std::to_string(newest.acked));
    book_.anchors.cut_above(newest.acked - 1);
    anchors_on_disk_ = std::min(anchors_on_disk_, newest.acked - 1);
    acks_dirty_ = true;
  }
}

Result<void> LaneLog::open_epoch() {
  EpochInfo info;
  info.epoch = context_.epoch;
  info.first_seq = last_ + 1;
  info.opened.last_seq = last_;
  info.opened.reason = last_ == 0 ? "created" : "start";
  info.machine = context_.machine;
  if (!book_.epochs.empty()) {
    info.previous_machine = book_.epochs.back().machine;
    info.opened.previous = book_.epochs.back().epoch;
    if (chain_known_) info.opened.chain = chain_;
  }
  NewEvent event;
  event.stream = {std::string(core::kReservedCategory), std::string(core::lane_name(lane_))};
  event.type = core::kTypeEpochOpened;
  event.data = codec::encode_epoch_opened(info.opened);
  SLUICE_TRY(stage_event(event));
  PendingAppend append;
  append.wall_ns = context_.clock->wall_ns();
  append.monotonic_ns = context_.clock->monotonic_ns();
  encode(event, append, context_.clock->trusted(), staged_.front());
  new_epoch_ = info;
  book_.epochs.push_back(info);
  LaneWork work;
  for (const SetAside& range : found_missing_) work.set_aside.emplace_back(range, nullptr);
  found_missing_.clear();
  return write(work);
}

}  // namespace sluice::storage
