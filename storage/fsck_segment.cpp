// SPDX-License-Identifier: Apache-2.0
#include "storage/fsck_segment.hpp"

#include <unistd.h>

#include "core/codec/event_codec.hpp"
#include "storage/segment_reader.hpp"

namespace sluice::storage {

using core::Errc;
using core::Result;
using core::Seq;
using sqlite::Database;
using sqlite::OpenMode;

namespace {
// A writer may begin its WAL anew while it is read.
constexpr int kAttempts = 8;
constexpr std::size_t kFlawsPerKind = 8;  // of one segment; the rest is counted in the last one

// Lets the first few through and counts the others.
class Few {
 public:
  Few(std::string what, const SegmentExam::Report& report)
      : what_(std::move(what)), report_(report) {}
  ~Few() {
    if (more_ > 0)
      report_(what_, 0, 0, std::to_string(more_) + " more of this kind in this segment");
  }
  void add(Seq from, Seq to, std::string words) {
    if (++count_ <= kFlawsPerKind)
      report_(what_, from, to, std::move(words));
    else
      ++more_;
  }

 private:
  std::string what_;
  const SegmentExam::Report& report_;
  std::size_t count_ = 0;
  std::size_t more_ = 0;
};
}  // namespace

Result<SegmentExam> SegmentExam::open(const SegmentFile& file,
                                      const std::filesystem::path& scratch) {
  const std::filesystem::path copy = scratch / file.path.filename();
  for (int attempt = 1;; ++attempt) {
    auto pages = SegmentPages::open(file.path);
    if (!pages) return pages.error();
    const bool has_wal = wal_bytes(file.path) > 0;
    if (has_wal) SLUICE_TRY(pages->snapshot(copy));
    if (pages->changed() && attempt < kAttempts) continue;
    // Rows are looked at until the examination ends, and a writer may begin its WAL anew before: so
    // they are those of the copy, unless it lacks some that lie behind a damage.
    const bool is_copy_whole = has_wal && !pages->wal_broken() && pages->refused() == 0;
    auto source = is_copy_whole ? SegmentPages::open(copy) : std::move(pages);
    if (!source) return source.error();
    SegmentExam exam(std::move(*source));
    exam.path_ = file.path;
    if (has_wal) exam.copy_ = copy;
    exam.places_ = exam.pages_.rows();
    auto database = Database::open(has_wal ? copy : file.path, OpenMode::kImmutable);
    if (!database) {
      exam.trouble_ = database.error().message;
      return exam;
    }
    exam.database_ = std::move(*database);
    exam.load();
    return exam;
  }
}

SegmentExam::~SegmentExam() {
  database_.close();
  if (!copy_.empty()) (void)::unlink(copy_.c_str());
}

void SegmentExam::load() {
  auto head = load_head(database_);
  if (!head) {
    trouble_ = head.error().message;
    return;
  }
  head_ = std::move(*head);
  auto book = load_book(database_, *head_);
  if (book)
    book_ = std::move(*book);
  else
    trouble_ = book.error().message;
  if (auto note = load_salvage_note(database_)) note_ = std::move(*note);
  const auto mark = database_.query_int("SELECT count(*) FROM meta WHERE key='sealed'");
  sealed_ = mark && *mark == 1;
}

void SegmentExam::check(Seq last, const Report& report) {
  if (!trouble_.empty()) report("head", 0, 0, trouble_);
  if (pages_.wal_broken())
    report("wal", 0, 0, "a page of an old transaction in the WAL does not match its checksum");
  if (pages_.refused() > 0)
    report("structure", 0, 0,
           std::to_string(pages_.refused()) + " pages could not be read from the device");
  if (database_.is_open()) {
    const auto structure = database_.query_text("PRAGMA quick_check(1)");
    if (!structure || *structure != "ok")
      report("structure", 0, 0, structure ? *structure : structure.error().message);
  }
  check_rows(last, report);
}

void SegmentExam::check_rows(Seq last, const Report& report) {
  StreamTable streams;
  const bool has_streams = head_ && load_streams(database_, streams);
  if (head_ && !has_streams) report("head", 0, 0, "the versions of its streams cannot be read");
  std::vector<std::pair<core::Uuid, Seq>> ids;
  Few versions("version", report);
  Few rows("row", report);
  Seq next = head_ ? head_->first_seq : 0;
  bool has_hole = false;  // its events may have been of any stream: versions may be skipped now
  for (std::size_t i = 0; i < places_.size() && places_[i].seq <= last; ++i) {
    has_hole = has_hole || places_[i].seq != next;
    next = places_[i].seq + 1;
    const auto bytes = body(i);
    const auto event = bytes ? codec::decode_event(*bytes) : Result<core::EventView>(core::Error{});
    if (!event || event->seq != places_[i].seq ||
        (head_ && (event->gateway != head_->gateway || event->lane != head_->lane))) {
      rows.add(places_[i].seq, places_[i].seq, "the row is not an event of this lane and seq");
      has_hole = true;
      continue;
    }
    ids.emplace_back(event->id, places_[i].seq);
    if (!has_streams) continue;
    const StreamTable::Index stream = streams.find_or_add(event->stream().text());
    const std::uint64_t due = streams.version(stream) + 1;
    if (event->version != due && (event->version < due || (!note_ && !has_hole)))
      versions.add(places_[i].seq, places_[i].seq,
                   event->stream().text() + " has version " + std::to_string(event->version) +
                       " here, " + std::to_string(due) + " is due");
    streams.set_version(stream, event->version);
  }
  if (sealed_) check_ids(ids, report);
}

void SegmentExam::check_ids(const std::vector<std::pair<core::Uuid, Seq>>& ids,
                            const Report& report) {
  const auto filter = load_id_filter(database_);
  if (!filter) return report("index", 0, 0, filter.error().message);
  const auto indexed = database_.query_int("SELECT count(*) FROM event_id");
  if (!indexed) return report("index", 0, 0, indexed.error().message);
  // Rows that cannot be read are said elsewhere; their ids are in the index all the same.
  const bool is_whole =
      !places_.empty() && !note_ && places_.back().seq - places_.front().seq + 1 == places_.size();
  const auto entries = static_cast<std::uint64_t>(*indexed);
  if (entries < ids.size() || (is_whole && entries > ids.size()))
    report("index", 0, 0,
           "the index of ids has " + std::to_string(*indexed) + " entries for " +
               std::to_string(ids.size()) + " events");
  auto find = database_.prepare("SELECT seq FROM event_id WHERE id=?1");
  if (!find) return report("index", 0, 0, find.error().message);
  Few flaws("index", report);
  for (const auto& [id, seq] : ids) {
    const sqlite::Statement::Resetting guard{*find};
    find->bind_blob(
        1, std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
    const auto row = find->step();
    if (!row || !*row || find->integer(0) != static_cast<std::int64_t>(seq))
      flaws.add(seq, seq, "its id is not in the index of ids, or points elsewhere");
    else if (!filter->may_hold(id))
      flaws.add(seq, seq, "its id is not in the filter of ids");
  }
}

}  // namespace sluice::storage
