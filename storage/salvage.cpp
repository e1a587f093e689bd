// SPDX-License-Identifier: Apache-2.0
#include "storage/salvage.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "storage/head_rebuild.hpp"
#include "storage/segment_pages.hpp"
#include "storage/segment_writer.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;
using Places = std::vector<SegmentPages::Place>;

constexpr const char* kSalvageTable =
    "CREATE TABLE salvage(file TEXT NOT NULL, last_seq INTEGER NOT NULL, kept INTEGER NOT NULL, "
    "lost INTEGER NOT NULL, reason TEXT NOT NULL, knows_chain INTEGER NOT NULL)";

// The rows that are this lane's and count. kConfig: they are another gateway's.
Result<Places> own_rows(SegmentPages& pages, const SalvageJob& job) {
  Places own;
  std::string foreign;
  for (const SegmentPages::Place& place : pages.rows()) {
    if (place.seq < job.file.first || (job.end != 0 && place.seq > job.end)) continue;
    const auto body = pages.body(place);
    const auto event =
        body ? codec::decode_trusted(*body) : Result<core::EventView>(fail(Errc::kCorrupt, "gone"));
    if (!event || event->seq != place.seq || event->lane != job.lane) continue;
    if (event->gateway == job.gateway)
      own.push_back(place);
    else
      foreign = event->gateway;
  }
  if (own.empty() && !foreign.empty())
    return fail(Errc::kConfig,
                job.file.path.string() + " belongs to gateway '" + foreign +
                    "', the configuration names '" + job.gateway + "'",
                "gateway");
  return own;
}

std::vector<std::pair<Seq, Seq>> holes_of(const Places& rows, Seq first, Seq last) {
  std::vector<std::pair<Seq, Seq>> holes;
  Seq next = first;
  for (const SegmentPages::Place& place : rows) {
    if (place.seq > next) holes.emplace_back(next, place.seq - 1);
    next = place.seq + 1;
  }
  if (next <= last) holes.emplace_back(next, last);
  return holes;
}

Result<void> write_note(sqlite::Database& database, const SalvagedSegment& counts,
                        bool knows_chain) {
  SLUICE_TRY(database.exec(kSalvageTable));
  auto insert = database.prepare(
      "INSERT INTO salvage(file,last_seq,kept,lost,reason,knows_chain) VALUES(?1,?2,?3,?4,?5,?6)");
  if (!insert) return insert.error();
  insert->bind(1, std::string_view(counts.file))
      .bind(2, static_cast<std::int64_t>(counts.last))
      .bind(3, static_cast<std::int64_t>(counts.kept))
      .bind(4, static_cast<std::int64_t>(counts.lost))
      .bind(5, std::string_view(counts.reason))
      .bind(6, std::int64_t{knows_chain ? 1 : 0});
  return insert->run();
}

}  // namespace

std::vector<SetAside> split_by_epochs(const std::vector<EpochInfo>& epochs, Seq from, Seq to,
                                      core::GapReason reason) {
  std::vector<SetAside> ranges;
  core::Epoch epoch = epochs.empty() ? core::Epoch{} : epochs.front().opened.previous;
  const auto add = [&](Seq last) {
    if (epoch && from <= last) ranges.push_back({epoch, from, last, reason});
    from = std::max(from, last + 1);
  };
  for (const EpochInfo& info : epochs) {
    if (info.first_seq > to) break;
    add(info.first_seq - 1);
    epoch = info.epoch;
  }
  add(to);
  return ranges;
}

Result<std::optional<SalvageNote>> load_salvage_note(sqlite::Database& database) {
  const auto there = database.query_int(
      "SELECT count(*) FROM sqlite_master WHERE type='table' AND name='salvage'");
  if (!there) return there.error();
  if (*there == 0) return std::optional<SalvageNote>();
  auto rows = database.prepare("SELECT file,last_seq,kept,lost,reason,knows_chain FROM salvage");
  if (!rows) return rows.error();
  const auto row = rows->step();
  if (!row) return row.error();
  if (!*row) return std::optional<SalvageNote>();
  SalvageNote note;
  note.file = rows->text(0);
  note.last = static_cast<Seq>(rows->integer(1));
  note.kept = static_cast<std::uint64_t>(rows->integer(2));
  note.lost = static_cast<std::uint64_t>(rows->integer(3));
  note.reason = rows->text(4);
  note.knows_chain = rows->integer(5) != 0;
  return std::optional<SalvageNote>(std::move(note));
}

Result<SalvageResult> salvage_segment(const SalvageJob& job, core::Random& random) {
  SalvageResult result;
  SalvagedSegment& counts = result.counts;
  counts = {job.lane, job.file.path.filename().string(), job.file.first, 0, 0, 0, job.reason};
  auto pages = SegmentPages::open(job.file.path);
  if (!pages) return pages.error();
  const auto rows = own_rows(*pages, job);
  if (!rows) return rows.error();
  counts.kept = rows->size();
  counts.last = job.end != 0 ? job.end : rows->empty() ? job.file.first - 1 : rows->back().seq;
  const auto holes = holes_of(*rows, counts.first, counts.last);
  for (const auto& [from, to] : holes) counts.lost += to - from + 1;
  if (job.dry_run) return result;
  if (rows->empty()) {
    SLUICE_TRY(write_report(job.folder, counts));
    SLUICE_TRY(move_to_damaged(job.folder, job.lane, job.file.path));
    return result;
  }
  RebuiltHead head(job.gateway, job.lane, job.file.first);
  SLUICE_TRY(head.load(job.file.path, job.previous, job.epochs, job.vfs));
  for (const SegmentPages::Place& place : *rows)
    if (const auto body = pages->body(place)) head.note_row(*body);
  head.finish();
  for (const auto& [from, to] : holes)
    for (const SetAside& range :
         split_by_epochs(head.book.epochs, from, to, core::GapReason::kDamaged)) {
      std::erase_if(head.book.set_aside,
                    [&](const SetAside& known) { return known.from == range.from; });
      head.book.set_aside.push_back(range);
    }
  head.head.previous = counts.file;
  const SegmentFile fresh{job.file.first,
                          job.file.path.parent_path() / segment_name(job.file.first, random)};
  const auto written = SegmentWriter::create(
      fresh.path, head.head, head.streams, head.book, job.vfs,
      [&](SegmentWriter& writer) -> Result<void> {
        for (const SegmentPages::Place& place : *rows) {
          const auto body = pages->body(place);
          if (!body) return fail(Errc::kIo, job.file.path.string() + " reads in two ways");
          SLUICE_TRY(writer.insert(place.seq, core::crc32c(*body), *body));
        }
        return write_note(writer.database(), counts, head.knows_chain);
      });
  if (!written) {
    (void)remove_segment(fresh.path);
    return written.error();
  }
  SLUICE_TRY(write_report(job.folder, counts));
  SLUICE_TRY(move_to_damaged(job.folder, job.lane, job.file.path));
  result.file = fresh;
  return result;
}

}  // namespace sluice::storage
