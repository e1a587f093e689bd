// SPDX-License-Identifier: Apache-2.0
#include "storage/fsck.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "storage/fsck_segment.hpp"
#include "storage/scratch_folder.hpp"
#include "storage/segment_health.hpp"

namespace sluice::storage {
namespace {

using codec::ChainChecker;
using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using core::Seq;
namespace fs = std::filesystem;

// The marks that lane system holds, by the lane that they speak of.
using Marks = std::array<std::vector<codec::ChainMark>, core::kLaneCount>;

class LogCheck {
 public:
  using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
  LogCheck(fs::path folder, ScratchFolder scratch, const Progress& progress)
      : folder_(std::move(folder)), scratch_(std::move(scratch)), progress_(progress) {}

  Result<FsckResult> run() {
    bool is_there = false;
    for (const Lane lane : core::kLanes) {
      auto files = list_segments(lane_folder(folder_, lane));
      if (!files && files.error().code != Errc::kNotFound) return files.error();
      if (!files) continue;
      is_there = true;
      for (const SegmentFile& file : *files)
        if (!never_committed(file.path)) files_[core::index(lane)].push_back(file);
      for (const SegmentFile& file : files_[core::index(lane)]) total_ += segment_bytes(file.path);
    }
    if (!is_there) return fail(Errc::kNotFound, "there is no log in " + folder_.string());
    SLUICE_TRY(check_formats(folder_));
    SLUICE_TRY(read_marks());
    for (const Lane lane : core::kLanes) SLUICE_TRY(check_lane(lane));
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder_ / "damaged", error), end;
         !error && entry != end; entry.increment(error))
      if (entry->path().extension() == ".seg") ++result_.set_aside_files;
    return std::move(result_);
  }

 private:
  void flaw(Lane lane, std::string file, std::string what, Seq from, Seq to, std::string words) {
    result_.flaws.push_back({lane, std::move(file), std::move(what), from, to, std::move(words)});
  }

  Result<void> read_marks() {
    for (const SegmentFile& file : files_[core::index(Lane::kSystem)]) {
      auto pages = SegmentPages::open(file.path);
      if (!pages) continue;  // said when the lane is checked
      for (const SegmentPages::Place& place : pages->rows()) {
        const auto body = pages->body(place);
        const auto event =
            body ? codec::decode_trusted(*body) : Result<core::EventView>(core::Error{});
        if (!event || event->type != codec::kTypeChainMark || !event->is_reserved()) continue;
        const auto mark = codec::decode_chain_mark(event->data);
        for (const Lane lane : core::kLanes)
          if (mark && event->stream() == core::lane_stream(lane))
            marks_[core::index(lane)].push_back(*mark);
      }
    }
    return {};
  }

  Result<void> check_lane(Lane lane) {
    const auto& files = files_[core::index(lane)];
    if (files.empty()) {
      flaw(lane, "", "missing", 0, 0, "the lane has no segment");
      return {};
    }
    ChainChecker chain(marks_[core::index(lane)]);
    std::optional<LaneBook> book;  // the newest's, which speaks for the lane
    {
      const auto newest = SegmentExam::open(files.back(), scratch_.path());
      if (!newest) return newest.error();
      book = newest->book();
    }
    Seq next = files.front().first;
    before_.clear();
    begins_anew_ = false;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (i + 1 < files.size() && files[i + 1].first == files[i].first) continue;  // a twin
      const bool had_wal = fs::exists(files[i].path.string() + "-wal");  // before it may be sealed
      auto exam = SegmentExam::open(files[i], scratch_.path());
      if (!exam && exam.error().code == Errc::kNotFound) continue;  // trimmed meanwhile
      if (!exam) return exam.error();
      ++result_.segments;
      const std::string name = files[i].path.filename();
      const Seq end = i + 1 < files.size() ? files[i + 1].first - 1 : INT64_MAX;
      exam->check(end, [&](std::string what, Seq from, Seq to, std::string words) {
        flaw(lane, name, std::move(what), from, to, std::move(words));
      });
      // A writer that ends in order leaves an empty one behind.
      if (i + 1 == files.size() && !had_wal && !exam->sealed() && !exam->note())
        flaw(lane, name, "wal", 0, 0,
             "its write-ahead log is gone, which alone may have held the lane's newest events");
      check_identity(lane, name, files[i], *exam);
      next = check_seqs(lane, files[i], *exam, book, end, chain, next);
      result_.bytes += segment_bytes(files[i].path);
      if (progress_) progress_(result_.bytes, total_);
    }
    for (const ChainChecker::Finding& finding : chain.findings())
      if (finding.kind == ChainChecker::Kind::kAltered)
        flaw(lane, "", "chain", finding.from, finding.to,
             "an event of this range is not what it was when its hash was told");
    result_.hashes += chain.totals().marks;
    check_book(lane, book, next - 1);
    return {};
  }

  void check_identity(Lane lane, const std::string& name, const SegmentFile& file,
                      const SegmentExam& exam) {
    if (!exam.head()) return;
    if (result_.gateway.empty()) result_.gateway = exam.head()->gateway;
    if (exam.head()->gateway != result_.gateway)
      flaw(lane, name, "head", 0, 0, "it is of gateway '" + exam.head()->gateway + "'");
    if (exam.head()->lane != lane || exam.head()->first_seq != file.first)
      flaw(lane, name, "head", 0, 0, "it is of another lane, or of another place in this one");
  }

  // Rows in their order, through the chain. Gives the seq that is due after this segment.
  Seq check_seqs(Lane lane, const SegmentFile& file, SegmentExam& exam,
                 const std::optional<LaneBook>& book, Seq end, ChainChecker& chain, Seq next) {
    const std::string name = file.path.filename();
    const Seq first = file.first;
    const auto pass_hole = [&](Seq to, const std::string& in) {
      const Seq unexplained = first_unexplained(exam, book, next, to);
      if (unexplained <= to)
        flaw(lane, in, in.empty() ? "missing" : "row", unexplained, to,
             in.empty() ? "no segment holds this range"
                        : "rows are missing or do not match their checksum");
      result_.known_missing += unexplained - next;
      chain.skip(to);
      next = to + 1;
    };
    const bool knows_chain = exam.head() && (!exam.note() || exam.note()->knows_chain);
    // A range between two segments: the older one's tail, or one that is gone.
    const bool is_tail = exam.head() && exam.head()->previous == before_;
    if (first > next) pass_hole(first - 1, is_tail ? before_ : "");
    before_ = name;
    if (exam.count() > 0 && chain.last() == 0 && knows_chain && first > 1)
      chain.start(first_epoch(exam), first - 1, exam.head()->chain);
    else if (knows_chain && !begins_anew_ && chain.last() == first - 1 && first > 1)
      chain.told(exam.head()->chain);
    for (std::size_t i = 0; i < exam.count() && exam.seq(i) <= end; ++i) {
      if (exam.seq(i) < next) continue;
      if (exam.seq(i) > next) pass_hole(exam.seq(i) - 1, name);
      const auto body = exam.body(i);
      if (!body) continue;
      chain.feed(*body);
      check_epoch(lane, name, *body, book);
      ++result_.events;
      next = exam.seq(i) + 1;
    }
    if (exam.note() && exam.note()->last >= next) pass_hole(exam.note()->last, name);
    // Behind a hole the gateway began a new chain, whatever the marks of the old one say.
    begins_anew_ = exam.note() && (exam.note()->lost > 0 || !exam.note()->knows_chain);
    return next;
  }

  static core::Epoch first_epoch(SegmentExam& exam) {
    const auto body = exam.body(0);
    const auto event = body ? codec::decode_trusted(*body) : Result<core::EventView>(core::Error{});
    return event ? event->epoch : core::Epoch{};
  }

  // A gap record stands, or will stand, for what was set aside.
  static Seq first_unexplained(const SegmentExam& exam, const std::optional<LaneBook>& book,
                               Seq from, Seq to) {
    for (bool again = true; again && from <= to;) {
      again = false;
      for (const auto* one : {&book, &exam.book()}) {
        if (!*one) continue;
        for (const SetAside& range : (*one)->set_aside) {
          if (range.from > from || from > range.to) continue;
          from = std::min(range.to, to) + 1;
          again = true;
        }
      }
    }
    return from;
  }

  void check_epoch(Lane lane, const std::string& name, const std::string& body,
                   const std::optional<LaneBook>& book) {
    const auto event = codec::decode_trusted(body);
    if (!event || !book) return;
    core::Epoch due;
    for (const EpochInfo& info : book->epochs) {
      if (info.first_seq <= event->seq) due = info.epoch;
      if (info.first_seq == event->seq && event->type != core::kTypeEpochOpened)
        flaw(lane, name, "epoch", event->seq, event->seq,
             "an epoch begins at what is no EpochOpened");
    }
    if (due && due != event->epoch && due != wrong_epoch_) {
      wrong_epoch_ = due;  // said once
      flaw(lane, name, "epoch", event->seq, event->seq,
           "the event is of epoch " + event->epoch.text() + ", the table of epochs says " +
               due.text());
    }
  }

  void check_book(Lane lane, const std::optional<LaneBook>& book, Seq last) {
    if (!book) return;
    Seq before = 0;
    for (const AnchorBook::Entry& entry : book->anchors.entries()) {
      if (entry.acked <= before || entry.acked > last || entry.seq > last)
        flaw(lane, "", "anchor", entry.seq, entry.acked,
             "an anchor names an event that this lane does not have");
      before = entry.acked;
    }
    for (const EpochInfo& info : book->epochs)
      if (info.first_seq > last)
        flaw(lane, "", "epoch", info.first_seq, info.first_seq,
             "epoch " + info.epoch.text() + " begins behind the last event");
  }

  fs::path folder_;
  ScratchFolder scratch_;
  const Progress& progress_;
  std::array<std::vector<SegmentFile>, core::kLaneCount> files_;
  Marks marks_;
  core::Epoch wrong_epoch_;
  std::string before_;  // the segment looked at before
  bool begins_anew_ = false;
  std::uint64_t total_ = 0;
  FsckResult result_;
};

}  // namespace

Result<FsckResult> check_log(const fs::path& folder,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  auto scratch = ScratchFolder::make("fsck");
  if (!scratch) return scratch.error();
  return LogCheck(folder, std::move(*scratch), progress).run();
}

}  // namespace sluice::storage
