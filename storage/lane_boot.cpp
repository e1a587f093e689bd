// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "core/codec/event_codec.hpp"
#include "storage/lane_log.hpp"
#include "storage/segment_file.hpp"

// A lane's start: finish what a crash interrupted, rebuild the memory from the newest segment, open
// the epoch.
namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

namespace {

// Looks at the file alone: nothing is recovered, so a newer program's log stays as it is.
Result<void> check_format(const std::filesystem::path& path, const std::string& vfs) {
  sqlite::OpenOptions options;
  options.vfs = vfs;
  auto database = sqlite::Database::open(path, sqlite::OpenMode::kImmutable, options);
  if (!database) return database.error();
  const auto head = load_head(*database);
  if (!head && head.error().code == Errc::kUnsupported) return head.error();
  return {};
}

Result<void> check_head(const SegmentHead& head, const SegmentFile& file,
                        const std::string& gateway, core::Lane lane) {
  if (head.gateway != gateway)
    return fail(Errc::kConfig,
                file.path.string() + " belongs to gateway '" + head.gateway +
                    "', the configuration names '" + gateway + "'",
                "gateway");
  if (head.lane != lane || head.first_seq != file.first)
    return fail(Errc::kCorrupt, file.path.string() +
                                    " was moved or renamed: it is the segment of "
                                    "lane " +
                                    std::string(core::lane_name(head.lane)) + " from seq " +
                                    std::to_string(head.first_seq));
  return {};
}

}  // namespace

LaneLog::LaneLog(const LogContext& context, core::Lane lane)
    : context_(context),
      lane_(lane),
      rotate_at_(context.settings.segment_events),
      lookups_(8, context.vfs) {}

Result<void> LaneLog::open(const std::function<core::Lane(const std::string&)>& lane_of) {
  auto files = usable_segments();
  if (!files) return files.error();
  if (files->empty()) {
    SLUICE_TRY(rotate());
  } else {
    for (std::size_t i = 0; i + 1 < files->size(); ++i)
      SLUICE_TRY(open_old((*files)[i], (*files)[i + 1].first));
    SLUICE_TRY(open_newest(files->back()));
  }
  SLUICE_TRY(check_categories(lane_of));
  drop_foreign_anchors();
  forget_trimmed();
  SLUICE_TRY(open_epoch());
  // After the epoch: on a disk that is nearly full the seal may take the last of its room.
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i)
    if (!segments_[i].filter) finish_seal(segments_[i], segments_[i + 1].first - 1);
  publish();
  return {};
}

// A segment without its first transaction was being made when the writer died: it holds nothing.
Result<std::vector<SegmentFile>> LaneLog::usable_segments() {
  SLUICE_TRY(make_folder(folder()));
  auto files = list_segments(folder());
  if (!files) return files;
  for (const SegmentFile& file : *files)
    if (!never_committed(file.path)) SLUICE_TRY(check_format(file.path, context_.vfs));
  std::vector<SegmentFile> usable;
  std::string replaced;
  for (auto file = files->rbegin(); file != files->rend(); ++file) {
    const auto reader = SegmentReader::open(file->path, context_.vfs);
    if (!reader && reader.error().code != Errc::kNotFound) return reader.error();
    // Two with one first seq: a write failed before the older had any event, and the younger, which
    // names it, took its place.
    const bool is_twin = reader && !usable.empty() && usable.back().first == file->first;
    if (reader && !is_twin) {
      usable.push_back(*file);
      replaced = (*reader)->head().previous;
      continue;
    }
    if (is_twin && replaced != file->path.filename()) {
      std::swap(usable.back(), *file);
      replaced = (*reader)->head().previous;
    }
    context_.logger->warning("log", "removing a segment that was never finished",
                             {{"file", file->path.string()}});
    SLUICE_TRY(remove_segment(file->path));
  }
  std::reverse(usable.begin(), usable.end());
  return usable;
}

Result<void> LaneLog::open_old(const SegmentFile& file, Seq next_first) {
  Segment segment;
  segment.path = file.path;
  segment.first = file.first;
  bool sealed = false;
  {
    const auto reader = SegmentReader::open(file.path, context_.vfs);
    if (!reader) return reader.error();
    SLUICE_TRY(check_head((*reader)->head(), file, context_.gateway, lane_));
    sealed = (*reader)->sealed() && wal_bytes(file.path) == 0;
    if (sealed) {
      const auto last = (*reader)->last();
      if (!last) return last.error();
      if (*last + 1 != next_first)
        context_.logger->error("log", "a segment is missing: its events are gone from this log",
                               {{"lane", std::string(core::lane_name(lane_))},
                                {"from", std::to_string(*last + 1)},
                                {"to", std::to_string(next_first - 1)}});
      auto filter = (*reader)->filter();
      if (!filter) return filter.error();
      segment.filter = std::make_shared<const IdFilter>(std::move(*filter));
      segment.sealed = true;
    }
  }
  segment.bytes = storage::segment_bytes(file.path);
  segments_.push_back(std::move(segment));
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
  auto writer = SegmentWriter::open(file.path, context_.vfs);
  if (!writer) return writer.error();
  auto head = load_head(writer->database());
  if (!head) return head.error();
  SLUICE_TRY(check_head(*head, file, context_.gateway, lane_));
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
    info.opened.chain = chain_;
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
  return write(LaneWork{});
}

}  // namespace sluice::storage
