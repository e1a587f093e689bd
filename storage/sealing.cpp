// SPDX-License-Identifier: Apache-2.0
#include "storage/sealing.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/codec/event_codec.hpp"
#include "sqlite/transaction.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_reader.hpp"
#include "storage/segment_writer.hpp"
#include "storage/stream_table.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;
using sqlite::Database;

// A reader may be recovering the WAL that a killed writer left.
constexpr int kBusyMs = 10'000;

constexpr const char* kIndexTables = R"(
CREATE TABLE event_id(id BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stream_event(name TEXT PRIMARY KEY, first_version INTEGER NOT NULL,
                          offsets BLOB NOT NULL) WITHOUT ROWID;
)";

std::string_view view(const core::Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

// In place of the offset of an event that is missing.
constexpr std::uint32_t kNotThere = UINT32_MAX;

// What one pass over the rows finds.
struct Scan {
  std::vector<core::Uuid> ids;                // by row
  std::vector<std::uint32_t> offsets;         // by row
  std::vector<std::uint64_t> versions;        // by row
  std::vector<StreamTable::Index> stream_of;  // by row
  StreamTable streams;                        // version: of the first event here
};

// Where a salvaged segment has no rows; any other has none such.
class KnownHoles {
 public:
  Result<void> load(Database& database) {
    const auto note = load_salvage_note(database);
    if (!note) return note.error();
    if (!*note) return {};
    auto rows = database.prepare("SELECT from_seq,to_seq FROM set_aside ORDER BY from_seq");
    if (!rows) return rows.error();
    for (;;) {
      const auto row = rows->step();
      if (!row) return row.error();
      if (!*row) return {};
      holes_.emplace_back(static_cast<Seq>(rows->integer(0)), static_cast<Seq>(rows->integer(1)));
    }
  }
  // The first seq from `seq` on, up to `end`, that is in no hole.
  Seq pass(Seq seq, Seq end) const {
    for (const auto& [from, to] : holes_)
      if (seq <= end && from <= seq && seq <= to) seq = to + 1;
    return std::min(seq, end);
  }

 private:
  std::vector<std::pair<Seq, Seq>> holes_;
};

Result<void> scan_rows(Database& database, const SealJob& job, Scan& scan) {
  KnownHoles holes;
  SLUICE_TRY(holes.load(database));
  auto rows = database.prepare("SELECT seq,crc,body FROM event WHERE seq<=?1 ORDER BY seq");
  if (!rows) return rows.error();
  rows->bind(1, static_cast<std::int64_t>(job.last));
  Seq expected = job.first;
  for (;; ++expected) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    const auto seq = static_cast<Seq>(rows->integer(0));
    expected = holes.pass(expected, seq);
    if (seq != expected)
      return fail(Errc::kCorrupt, database.path().string() + ": the event with seq " +
                                      std::to_string(expected) + " is missing");
    SLUICE_TRY(check_row(database, seq, rows->integer(1), rows->blob(2)));
    const auto event = codec::decode_trusted(rows->blob(2));
    if (!event) return event.error();
    std::string name(event->category);
    name.append("/").append(event->entity);
    const StreamTable::Index stream = scan.streams.find_or_add(name);
    if (scan.streams.version(stream) == 0) scan.streams.set_version(stream, event->version);
    scan.ids.push_back(event->id);
    scan.offsets.push_back(static_cast<std::uint32_t>(seq - job.first));
    scan.versions.push_back(event->version);
    scan.stream_of.push_back(stream);
  }
  expected = holes.pass(expected, job.last + 1);
  if (expected != job.last + 1)
    return fail(Errc::kCorrupt, database.path().string() + ": the event with seq " +
                                    std::to_string(expected) + " is missing");
  return {};
}

std::vector<std::uint32_t> sorted_offsets(std::size_t count, auto less) {
  std::vector<std::uint32_t> offsets(count);
  std::iota(offsets.begin(), offsets.end(), 0u);
  std::stable_sort(offsets.begin(), offsets.end(), less);
  return offsets;
}

Result<void> write_ids(Database& database, const SealJob& job, const Scan& scan) {
  auto insert = database.prepare("INSERT INTO event_id(id,seq) VALUES(?1,?2)");
  if (!insert) return insert.error();
  // In key order: the tree is filled page after page.
  for (const std::uint32_t offset : sorted_offsets(
           scan.ids.size(),
           [&](std::uint32_t a, std::uint32_t b) { return scan.ids[a] < scan.ids[b]; })) {
    insert->bind_blob(1, view(scan.ids[offset]))
        .bind(2, static_cast<std::int64_t>(job.first + scan.offsets[offset]));
    SLUICE_TRY(insert->run());
  }
  return {};
}

Result<void> write_streams(Database& database, const Scan& scan) {
  auto insert =
      database.prepare("INSERT INTO stream_event(name,first_version,offsets) VALUES(?1,?2,?3)");
  if (!insert) return insert.error();
  const auto order = sorted_offsets(scan.stream_of.size(), [&](std::uint32_t a, std::uint32_t b) {
    return scan.streams.name(scan.stream_of[a]) < scan.streams.name(scan.stream_of[b]);
  });
  std::string offsets;
  const auto put = [&](std::uint32_t offset) {
    for (int byte = 0; byte < 4; ++byte)
      offsets.push_back(static_cast<char>((offset >> (8 * byte)) & 0xff));
  };
  for (std::size_t i = 0; i < order.size(); ++i) {
    const StreamTable::Index stream = scan.stream_of[order[i]];
    // Versions that are missing have been in a hole, so there are at most as many as seqs here.
    const std::uint64_t index = scan.versions[order[i]] - scan.streams.version(stream);
    while (offsets.size() / 4 < std::min<std::uint64_t>(index, scan.offsets.back())) put(kNotThere);
    put(scan.offsets[order[i]]);
    if (i + 1 < order.size() && scan.stream_of[order[i + 1]] == stream) continue;
    insert->bind(1, scan.streams.name(stream))
        .bind(2, static_cast<std::int64_t>(scan.streams.version(stream)))
        .bind_blob(3, offsets);
    SLUICE_TRY(insert->run());
    offsets.clear();
  }
  return {};
}

Result<void> write_mark(Database& database, const SealJob& job, const IdFilter& filter) {
  auto insert = database.prepare("INSERT INTO meta(key,value) VALUES(?1,?2)");
  if (!insert) return insert.error();
  insert->bind(1, "id_filter").bind_blob(2, filter.bytes());
  SLUICE_TRY(insert->run());
  insert->bind(1, "id_probes").bind(2, static_cast<std::int64_t>(filter.probes()));
  SLUICE_TRY(insert->run());
  insert->bind(1, "id_smallest").bind_blob(2, view(filter.smallest()));
  SLUICE_TRY(insert->run());
  insert->bind(1, "id_largest").bind_blob(2, view(filter.largest()));
  SLUICE_TRY(insert->run());
  insert->bind(1, "last_seq").bind(2, static_cast<std::int64_t>(job.last));
  SLUICE_TRY(insert->run());
  insert->bind(1, "sealed").bind(2, std::int64_t{1});
  return insert->run();
}

}  // namespace

Result<SegmentSealer> SegmentSealer::open(const SealJob& job, const std::string& vfs) {
  sqlite::OpenOptions options;
  options.cache_kib = 512;
  options.busy_timeout_ms = kBusyMs;
  options.vfs = vfs;
  auto database = Database::open(job.path, sqlite::OpenMode::kReadWrite, options);
  if (!database) return database.error();
  SLUICE_TRY(set_write_pragmas(*database));
  return SegmentSealer(job, std::move(*database));
}

Result<IdFilter> SegmentSealer::write_indexes() {
  const auto marked = database_.query_int("SELECT count(*) FROM meta WHERE key='sealed'");
  if (!marked) return marked.error();
  if (*marked == 1) return load_id_filter(database_);
  auto transaction = sqlite::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  auto filter = index_all();
  if (!filter) return filter;
  SLUICE_TRY(transaction->commit());
  return filter;
}

Result<IdFilter> SegmentSealer::index_all() {
  Scan scan;
  SLUICE_TRY(scan_rows(database_, job_, scan));
  // A write whose outcome was unknown can have left rows that do not count.
  SLUICE_TRY(database_.exec("DELETE FROM event WHERE seq>" + std::to_string(job_.last)));
  SLUICE_TRY(database_.exec(kIndexTables));
  SLUICE_TRY(write_ids(database_, job_, scan));
  SLUICE_TRY(write_streams(database_, scan));
  IdFilter filter = IdFilter::build(scan.ids);
  SLUICE_TRY(write_mark(database_, job_, filter));
  return filter;
}

Result<bool> SegmentSealer::empty_wal() {
  database_.set_busy_timeout(0);  // the caller has other segments to seal while somebody reads
  const auto done = database_.checkpoint(Database::Checkpoint::kTruncate);
  if (!done) return done.error();
  return !done->busy;
}

}  // namespace sluice::storage
