// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_reader.hpp"

#include <algorithm>
#include <cstring>

#include "storage/segment_file.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;
using sqlite::Database;
using sqlite::OpenMode;
using sqlite::Statement;

constexpr int kCacheKib = 64;
constexpr std::uint32_t kNotThere = UINT32_MAX;  // in place of an offset
constexpr int kBusyMs = 2000;  // another reader may be recovering the WAL of a killed writer

std::int64_t signed_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

std::string_view view(const core::Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

Result<bool> marked_sealed(Database& database) {
  const auto mark = database.query_int("SELECT count(*) FROM meta WHERE key='sealed'");
  if (!mark) return mark.error();
  return *mark == 1;
}

std::uint32_t little_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

Result<void> check_row(const Database& database, Seq seq, std::int64_t crc, std::string_view body) {
  if (std::int64_t{core::crc32c(body)} == crc) return {};
  core::Error error =
      fail(Errc::kCorrupt, database.path().string() + ": the event with seq " +
                               std::to_string(seq) + " does not match its checksum");
  error.current = signed_of(seq);
  return error;
}

Result<IdFilter> load_id_filter(Database& database) {
  auto statement = database.prepare(
      "SELECT (SELECT value FROM meta WHERE key='id_filter'),"
      "(SELECT value FROM meta WHERE key='id_smallest'),"
      "(SELECT value FROM meta WHERE key='id_largest'),"
      "(SELECT value FROM meta WHERE key='id_probes')");
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  core::Uuid smallest;
  core::Uuid largest;
  if (!*row || statement->blob(1).size() != 16 || statement->blob(2).size() != 16)
    return fail(Errc::kCorrupt, database.path().string() + ": the id filter is damaged");
  std::memcpy(smallest.bytes.data(), statement->blob(1).data(), 16);
  std::memcpy(largest.bytes.data(), statement->blob(2).data(), 16);
  const bool is_old = statement->is_null(3);
  const std::int64_t probes = is_old ? std::int64_t{IdFilter::kOldProbes} : statement->integer(3);
  if (probes < 1 || probes > 64)
    return fail(Errc::kCorrupt, database.path().string() + ": the id filter is damaged");
  return IdFilter::load(statement->blob(0), smallest, largest, static_cast<std::uint64_t>(probes));
}

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(const std::filesystem::path& path,
                                                           const std::string& vfs) {
  sqlite::OpenOptions options;
  options.cache_kib = kCacheKib;
  options.busy_timeout_ms = kBusyMs;
  options.vfs = vfs;
  options.checkpoint_on_close = false;
  const auto try_mode = [&](OpenMode mode) -> Result<std::unique_ptr<SegmentReader>> {
    std::unique_ptr<SegmentReader> reader(new SegmentReader);
    auto database = Database::open(path, mode, options);
    if (!database) return database.error();
    reader->database_ = std::move(*database);
    auto head = load_head(reader->database_);
    if (!head) return head.error();
    reader->head_ = std::move(*head);
    const auto sealed = marked_sealed(reader->database_);
    if (!sealed) return sealed.error();
    reader->sealed_ = *sealed;
    return reader;
  };
  if (never_committed(path))
    return fail(Errc::kNotFound, path.string() + ": gone, or its first transaction is missing");
  // With an empty WAL the file alone tells whether it is sealed; to look at it through SQLite's WAL
  // code would leave a -shm and a -wal beside every old segment. The sealer's mark reaches the file
  // before its WAL is empty, so a look in between may have seen a half-copied file: look again.
  if (wal_bytes(path) == 0) {
    const auto first_look = try_mode(OpenMode::kImmutable);
    if (first_look && (*first_look)->sealed_ && wal_bytes(path) == 0) {
      auto sealed = try_mode(OpenMode::kImmutable);
      if (!sealed) return sealed;
      SLUICE_TRY((*sealed)->prepare());
      return sealed;
    }
  }
  auto reader = try_mode(OpenMode::kReadOnly);
  if (!reader && !std::filesystem::exists(path))
    return fail(Errc::kNotFound, path.string() + " is gone");
  // A card that cannot be written has no room for -shm; without a WAL the file alone will do.
  if (!reader && reader.error().code == Errc::kIo && wal_bytes(path) == 0)
    reader = try_mode(OpenMode::kImmutable);
  if (!reader) return reader;
  SLUICE_TRY((*reader)->prepare());
  return reader;
}

Result<void> SegmentReader::prepare() {
  auto range = database_.prepare(
      "SELECT seq,crc,body FROM event WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3");
  if (!range) return range.error();
  range_ = std::move(*range);
  return {};
}

Result<Statement*> SegmentReader::lazily(Statement& statement, std::string_view sql) {
  if (statement) return &statement;
  auto made = database_.prepare(sql);
  if (!made) return made.error();
  statement = std::move(*made);
  return &statement;
}

Result<void> SegmentReader::read(Seq from, Seq to, std::size_t rows, std::size_t bytes,
                                 std::vector<Record>& out) {
  const Statement::Resetting guard{range_};
  range_.bind(1, signed_of(from)).bind(2, signed_of(to)).bind(3, static_cast<std::int64_t>(rows));
  std::size_t used = 0;
  for (;;) {
    const auto row = range_.step();
    if (!row && row.error().code == Errc::kCorrupt && !out.empty()) return {};
    if (!row && row.error().code == Errc::kCorrupt) {
      // Of a destroyed page nobody knows which rows were on it; what is asked for next is missing.
      core::Error error = row.error();
      error.current = signed_of(from);
      return error;
    }
    if (!row) return row.error();
    if (!*row) return {};
    const std::string_view body = range_.blob(2);
    if (!out.empty() && used + body.size() > bytes) return {};
    const Seq seq = unsigned_of(range_.integer(0));
    const auto checked = check_row(database_, seq, range_.integer(1), body);
    if (!checked && !out.empty())
      return {};  // the good rows first; it will be the next one's first
    if (!checked) return checked.error();
    used += body.size();
    out.push_back({seq, std::string(body)});
  }
}

Result<std::optional<Record>> SegmentReader::read_one(Seq seq) {
  std::vector<Record> found;
  SLUICE_TRY(read(seq, seq, 1, SIZE_MAX, found));
  if (found.empty()) return std::optional<Record>();
  return std::optional<Record>(std::move(found.front()));
}

Result<Seq> SegmentReader::last() {
  const auto last = database_.query_int("SELECT max(seq) FROM event");
  if (!last) return last.error();
  return *last == 0 ? head_.first_seq - 1 : unsigned_of(*last);
}

Result<std::uint64_t> SegmentReader::starting_version(std::string_view stream) {
  const auto statement = lazily(version_, "SELECT version FROM stream WHERE name=?1");
  if (!statement) return statement.error();
  const Statement::Resetting guard{version_};
  version_.bind(1, stream);
  const auto row = version_.step();
  if (!row) return row.error();
  return *row ? unsigned_of(version_.integer(0)) : 0;
}

Result<std::optional<Seq>> SegmentReader::find_id(const core::Uuid& id) {
  const auto statement = lazily(find_id_, "SELECT seq FROM event_id WHERE id=?1");
  if (!statement) return statement.error();
  const Statement::Resetting guard{find_id_};
  find_id_.bind_blob(1, view(id));
  const auto row = find_id_.step();
  if (!row) return row.error();
  if (!*row) return std::optional<Seq>();
  return std::optional<Seq>(unsigned_of(find_id_.integer(0)));
}

Result<std::vector<Seq>> SegmentReader::positions(std::string_view stream, std::uint64_t from,
                                                  std::size_t limit) {
  auto statement = database_.prepare(
      "SELECT first_version, substr(offsets, 1+4*max(0, ?2-first_version), 4*?3) "
      "FROM stream_event WHERE name=?1");
  if (!statement) return statement.error();
  // A salvaged segment can lack versions: then a longer piece is looked at.
  for (std::size_t piece = std::min<std::size_t>(limit, 1u << 24);; piece *= 2) {
    const Statement::Resetting guard{*statement};
    statement->bind(1, stream)
        .bind(2, signed_of(std::min<std::uint64_t>(from, INT32_MAX)))
        .bind(3, static_cast<std::int64_t>(piece));
    const auto row = statement->step();
    if (!row) return row.error();
    std::vector<Seq> seqs;
    if (!*row) return seqs;
    const std::string_view offsets = statement->blob(1);
    for (std::size_t at = 0; at + 4 <= offsets.size() && seqs.size() < limit; at += 4)
      if (const std::uint32_t offset = little_endian(offsets.data() + at); offset != kNotThere)
        seqs.push_back(head_.first_seq + offset);
    if (seqs.size() >= limit || offsets.size() < 4 * piece) return seqs;
  }
}

Result<SegmentReader*> SegmentCache::get(const std::filesystem::path& path) {
  for (auto it = readers_.begin(); it != readers_.end(); ++it) {
    if ((*it)->path() != path) continue;
    readers_.splice(readers_.begin(), readers_, it);
    return readers_.front().get();
  }
  auto reader = SegmentReader::open(path, vfs_);
  if (!reader) return reader.error();
  readers_.push_front(std::move(*reader));
  if (readers_.size() > open_max_) readers_.pop_back();
  return readers_.front().get();
}

void SegmentCache::forget(const std::filesystem::path& path) {
  readers_.remove_if([&](const auto& reader) { return reader->path() == path; });
}

}  // namespace sluice::storage
