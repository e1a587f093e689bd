// SPDX-License-Identifier: Apache-2.0
#include "storage/lane_book.hpp"

#include <cstring>

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using sqlite::Database;
using sqlite::Statement;

// docs/log-format.md describes each of these.
constexpr const char* kTables = R"(
CREATE TABLE event(seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE stream(name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE epoch(first_seq INTEGER PRIMARY KEY, epoch TEXT NOT NULL, previous TEXT,
                   last_seq INTEGER NOT NULL, chain BLOB, reason TEXT NOT NULL);
CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE anchor(acked INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
                    hub_seq INTEGER NOT NULL, hub_stream INTEGER NOT NULL,
                    created INTEGER NOT NULL, subject INTEGER NOT NULL, identity TEXT);
CREATE TABLE acked_segment(first_seq INTEGER PRIMARY KEY, powered_ms INTEGER NOT NULL);
CREATE TABLE category(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE set_aside(from_seq INTEGER PRIMARY KEY, to_seq INTEGER NOT NULL, epoch TEXT NOT NULL,
                       reason TEXT NOT NULL);
)";

// Came after the first logs of this format: made where it is missing.
constexpr const char* kMachineTable =
    "CREATE TABLE IF NOT EXISTS epoch_machine(first_seq INTEGER PRIMARY KEY, "
    "machine TEXT NOT NULL, previous TEXT NOT NULL)";

std::int64_t signed_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

template <std::size_t N>
bool copy(std::string_view blob, std::array<std::uint8_t, N>& out) {
  if (blob.size() != N) return false;
  std::memcpy(out.data(), blob.data(), N);
  return true;
}

core::Error damaged(Database& database, const std::string& what) {
  return fail(Errc::kCorrupt, database.path().string() + ": " + what);
}

// One key of the meta table at a time.
class Meta {
 public:
  static Result<Meta> writer(Database& database) {
    return make(database, "INSERT OR REPLACE INTO meta(key,value) VALUES(?1,?2)");
  }
  static Result<Meta> reader(Database& database) {
    return make(database, "SELECT value FROM meta WHERE key=?1");
  }

  Result<void> set(std::string_view key, std::int64_t value) {
    statement_.bind(1, key).bind(2, value);
    return statement_.run();
  }
  Result<void> set_text(std::string_view key, std::string_view value) {
    statement_.bind(1, key).bind(2, value);
    return statement_.run();
  }
  Result<void> set_blob(std::string_view key, std::string_view value) {
    statement_.bind(1, key).bind_blob(2, value);
    return statement_.run();
  }

  Result<std::int64_t> integer(std::string_view key) {
    const Statement::Resetting guard{statement_};
    SLUICE_TRY(find(key, Statement::Type::kInteger));
    return statement_.integer(0);
  }
  Result<std::string> text(std::string_view key) {
    const Statement::Resetting guard{statement_};
    SLUICE_TRY(find(key, Statement::Type::kText));
    return std::string(statement_.text(0));
  }
  Result<std::string> blob(std::string_view key) {
    const Statement::Resetting guard{statement_};
    SLUICE_TRY(find(key, Statement::Type::kBlob));
    return std::string(statement_.blob(0));
  }

 private:
  Meta(Database& database, Statement statement)
      : database_(&database), statement_(std::move(statement)) {}
  static Result<Meta> make(Database& database, std::string_view sql) {
    auto statement = database.prepare(sql);
    if (!statement) return statement.error();
    return Meta(database, std::move(*statement));
  }
  Result<void> find(std::string_view key, Statement::Type type) {
    statement_.bind(1, key);
    const auto row = statement_.step();
    if (!row) return row.error();
    if (!*row || statement_.type(0) != type)
      return damaged(*database_, "meta '" + std::string(key) + "' is missing or of another type");
    return {};
  }

  Database* database_;
  Statement statement_;
};

Result<void> save_powered(Meta& meta, const LaneBook& book) {
  SLUICE_TRY(meta.set("trim_after", signed_of(book.trim_after)));
  SLUICE_TRY(meta.set("powered_ms", signed_of(book.powered.ms)));
  SLUICE_TRY(meta.set_blob("powered_boot", view(book.powered.boot.bytes)));
  return meta.set("powered_at", signed_of(book.powered.monotonic_ns));
}

Result<void> save_words(Database& database, const WordList& words, std::size_t known) {
  if (known >= words.size()) return {};
  auto insert = database.prepare("INSERT OR REPLACE INTO word(id,text) VALUES(?1,?2)");
  if (!insert) return insert.error();
  for (std::size_t i = known; i < words.size(); ++i) {
    insert->bind(1, static_cast<std::int64_t>(i))
        .bind(2, std::string_view(words.text(static_cast<WordList::Index>(i))));
    SLUICE_TRY(insert->run());
  }
  return {};
}

Result<void> insert_anchors(Database& database, const AnchorBook& book, core::Seq above) {
  auto insert = database.prepare(
      "INSERT INTO anchor(acked,epoch,seq,hub_seq,hub_stream,created,subject,identity) "
      "VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
  if (!insert) return insert.error();
  for (const AnchorBook::Entry& entry : book.entries()) {
    if (entry.acked <= above) continue;
    insert->bind(1, signed_of(entry.acked))
        .bind(2, std::int64_t{entry.epoch})
        .bind(3, signed_of(entry.seq))
        .bind(4, signed_of(entry.hub_seq))
        .bind(5, std::int64_t{entry.hub_stream})
        .bind(6, std::int64_t{entry.created})
        .bind(7, std::int64_t{entry.subject});
    if (const std::string* identity = book.own_identity(entry))
      insert->bind(8, std::string_view(*identity));
    else
      insert->bind_null(8);
    SLUICE_TRY(insert->run());
  }
  return {};
}

Result<void> save_acked_segments(Database& database, const LaneBook& book) {
  SLUICE_TRY(database.exec("DELETE FROM acked_segment"));
  auto insert = database.prepare("INSERT INTO acked_segment(first_seq,powered_ms) VALUES(?1,?2)");
  if (!insert) return insert.error();
  for (const auto& [first, powered_ms] : book.acked_segments) {
    insert->bind(1, signed_of(first)).bind(2, signed_of(powered_ms));
    SLUICE_TRY(insert->run());
  }
  return {};
}

Result<void> load_epochs(Database& database, LaneBook& book) {
  auto rows = database.prepare(
      "SELECT first_seq,epoch,previous,last_seq,chain,reason FROM epoch ORDER BY first_seq");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    EpochInfo info;
    info.first_seq = unsigned_of(rows->integer(0));
    const auto epoch = core::Epoch::parse(rows->text(1));
    if (!epoch) return damaged(database, "an epoch is malformed");
    info.epoch = *epoch;
    if (!rows->is_null(2)) {
      const auto previous = core::Epoch::parse(rows->text(2));
      if (!previous) return damaged(database, "an epoch is malformed");
      info.opened.previous = *previous;
    }
    info.opened.last_seq = unsigned_of(rows->integer(3));
    if (!rows->is_null(4) && !copy(rows->blob(4), info.opened.chain.emplace()))
      return damaged(database, "an epoch's chain hash is malformed");
    info.opened.reason = rows->text(5);
    book.epochs.push_back(std::move(info));
  }
}

Result<void> load_machines(Database& database, LaneBook& book) {
  const auto there = database.query_int(
      "SELECT count(*) FROM sqlite_master WHERE type='table' AND name='epoch_machine'");
  if (!there) return there.error();
  if (*there == 0) return {};
  auto rows = database.prepare("SELECT first_seq,machine,previous FROM epoch_machine");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    for (EpochInfo& info : book.epochs) {
      if (info.first_seq != unsigned_of(rows->integer(0))) continue;
      info.machine = rows->text(1);
      info.previous_machine = rows->text(2);
    }
  }
}

Result<void> insert_machine(Database& database, const EpochInfo& epoch) {
  if (epoch.machine.empty() && epoch.previous_machine.empty()) return {};
  SLUICE_TRY(database.exec(kMachineTable));
  auto insert = database.prepare(
      "INSERT OR REPLACE INTO epoch_machine(first_seq,machine,previous) VALUES(?1,?2,?3)");
  if (!insert) return insert.error();
  insert->bind(1, signed_of(epoch.first_seq))
      .bind(2, std::string_view(epoch.machine))
      .bind(3, std::string_view(epoch.previous_machine));
  return insert->run();
}

Result<void> load_words(Database& database, LaneBook& book) {
  auto rows = database.prepare("SELECT text FROM word ORDER BY id");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    book.anchors.restore_word(rows->text(0));
  }
}

Result<void> load_anchors(Database& database, const SegmentHead& head, LaneBook& book) {
  auto rows = database.prepare(
      "SELECT a.acked, e.text, a.seq, a.hub_seq, h.text, c.text, s.text, a.identity FROM anchor a "
      "JOIN word e ON e.id=a.epoch JOIN word h ON h.id=a.hub_stream JOIN word c ON c.id=a.created "
      "JOIN word s ON s.id=a.subject ORDER BY a.acked");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    Anchor anchor;
    anchor.acked = unsigned_of(rows->integer(0));
    const auto epoch = core::Epoch::parse(rows->text(1));
    if (!epoch) return damaged(database, "an anchor's epoch is malformed");
    anchor.epoch = *epoch;
    anchor.seq = unsigned_of(rows->integer(2));
    anchor.hub_seq = unsigned_of(rows->integer(3));
    anchor.hub_stream = rows->text(4);
    anchor.created = rows->text(5);
    anchor.subject = rows->text(6);
    anchor.identity = rows->is_null(7)
                          ? core::Identity{head.gateway, anchor.epoch, head.lane, anchor.seq}.text()
                          : std::string(rows->text(7));
    book.anchors.restore(anchor, head.gateway, head.lane);
  }
}

Result<void> load_set_aside(Database& database, LaneBook& book) {
  auto rows =
      database.prepare("SELECT from_seq,to_seq,epoch,reason FROM set_aside ORDER BY from_seq");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    SetAside range;
    range.from = unsigned_of(rows->integer(0));
    range.to = unsigned_of(rows->integer(1));
    const auto epoch = core::Epoch::parse(rows->text(2));
    const auto reason = core::parse_gap_reason(rows->text(3));
    if (!epoch || !reason) return damaged(database, "a range set aside is malformed");
    range.epoch = *epoch;
    range.reason = *reason;
    book.set_aside.push_back(range);
  }
}

Result<void> load_small(Database& database, LaneBook& book) {
  auto categories = database.prepare("SELECT name FROM category");
  if (!categories) return categories.error();
  for (;;) {
    const auto row = categories->step();
    if (!row) return row.error();
    if (!*row) break;
    book.categories.emplace(categories->text(0));
  }
  auto acked = database.prepare("SELECT first_seq,powered_ms FROM acked_segment");
  if (!acked) return acked.error();
  for (;;) {
    const auto row = acked->step();
    if (!row) return row.error();
    if (!*row) return {};
    book.acked_segments[unsigned_of(acked->integer(0))] = unsigned_of(acked->integer(1));
  }
}

}  // namespace

std::uint64_t PoweredTime::at(const core::Uuid& now_boot, std::uint64_t now_monotonic_ns) const {
  if (now_boot != boot) return ms + now_monotonic_ns / 1'000'000;
  if (now_monotonic_ns < monotonic_ns) return ms;
  return ms + (now_monotonic_ns - monotonic_ns) / 1'000'000;
}

Result<void> create_tables(Database& database, const SegmentHead& head,
                           const StreamTable& streams) {
  SLUICE_TRY(database.exec(kTables));
  auto meta = Meta::writer(database);
  if (!meta) return meta.error();
  SLUICE_TRY(meta->set_text("gateway", head.gateway));
  SLUICE_TRY(meta->set_text("lane", core::lane_name(head.lane)));
  SLUICE_TRY(meta->set("first_seq", signed_of(head.first_seq)));
  SLUICE_TRY(meta->set_blob("chain", view(head.chain)));
  SLUICE_TRY(meta->set_text("previous", head.previous));
  SLUICE_TRY(meta->set("previous_last", signed_of(head.first_seq - 1)));
  auto insert = database.prepare("INSERT INTO stream(name,version) VALUES(?1,?2)");
  if (!insert) return insert.error();
  for (StreamTable::Index i = 0; i < streams.size(); ++i) {
    if (streams.version(i) == 0) continue;
    insert->bind(1, streams.name(i)).bind(2, signed_of(streams.version(i)));
    SLUICE_TRY(insert->run());
  }
  return {};
}

Result<void> save_book(Database& database, const LaneBook& book) {
  for (const EpochInfo& epoch : book.epochs) SLUICE_TRY(insert_epoch(database, epoch));
  for (const std::string& name : book.categories) SLUICE_TRY(insert_category(database, name));
  for (const SetAside& range : book.set_aside) SLUICE_TRY(insert_set_aside(database, range));
  return update_acks(database, book, 0, 0);
}

Result<SegmentHead> load_head(Database& database) {
  const auto application = database.query_int("PRAGMA application_id");
  if (!application) return application.error();
  const auto format = database.query_int("PRAGMA user_version");
  if (!format) return format.error();
  if (*application == kSegmentApplication && *format > kSegmentFormat)
    return fail(Errc::kUnsupported, database.path().string() + " has log format " +
                                        std::to_string(*format) + ", this program knows " +
                                        std::to_string(kSegmentFormat) + ": use a newer Sluice");
  const auto tables =
      database.query_int("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='meta'");
  if (!tables) return tables.error();
  if (*tables == 0)
    return fail(Errc::kNotFound, database.path().string() + ": its first transaction is missing");
  if (*application != kSegmentApplication || *format != kSegmentFormat)
    return damaged(database, "not a segment of a log");
  auto meta = Meta::reader(database);
  if (!meta) return meta.error();
  SegmentHead head;
  auto gateway = meta->text("gateway");
  if (!gateway) return gateway.error();
  head.gateway = std::move(*gateway);
  const auto lane_word = meta->text("lane");
  if (!lane_word) return lane_word.error();
  const auto lane = core::parse_lane(*lane_word);
  if (!lane) return damaged(database, "unknown lane");
  head.lane = *lane;
  const auto first = meta->integer("first_seq");
  if (!first) return first.error();
  head.first_seq = unsigned_of(*first);
  const auto chain = meta->blob("chain");
  if (!chain) return chain.error();
  if (!copy(*chain, head.chain)) return damaged(database, "the chain hash is malformed");
  auto previous = meta->text("previous");
  if (!previous) return previous.error();
  head.previous = std::move(*previous);
  return head;
}

Result<LaneBook> load_book(Database& database, const SegmentHead& head) {
  LaneBook book;
  SLUICE_TRY(load_epochs(database, book));
  SLUICE_TRY(load_machines(database, book));
  SLUICE_TRY(load_words(database, book));
  SLUICE_TRY(load_anchors(database, head, book));
  SLUICE_TRY(load_set_aside(database, book));
  SLUICE_TRY(load_small(database, book));
  auto meta = Meta::reader(database);
  if (!meta) return meta.error();
  const auto trim_after = meta->integer("trim_after");
  if (!trim_after) return trim_after.error();
  book.trim_after = unsigned_of(*trim_after);
  const auto powered = meta->integer("powered_ms");
  if (!powered) return powered.error();
  book.powered.ms = unsigned_of(*powered);
  const auto boot = meta->blob("powered_boot");
  if (!boot) return boot.error();
  if (!copy(*boot, book.powered.boot.bytes)) return damaged(database, "the boot id is malformed");
  const auto at = meta->integer("powered_at");
  if (!at) return at.error();
  book.powered.monotonic_ns = unsigned_of(*at);
  return book;
}

Result<void> load_streams(Database& database, StreamTable& streams) {
  auto rows = database.prepare("SELECT name,version FROM stream");
  if (!rows) return rows.error();
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    streams.set_version(streams.find_or_add(rows->text(0)), unsigned_of(rows->integer(1)));
  }
}

Result<void> insert_epoch(Database& database, const EpochInfo& epoch) {
  auto insert = database.prepare(
      "INSERT INTO epoch(first_seq,epoch,previous,last_seq,chain,reason) "
      "VALUES(?1,?2,?3,?4,?5,?6)");
  if (!insert) return insert.error();
  const std::string text = epoch.epoch.text();
  const std::string previous = epoch.opened.previous.text();
  insert->bind(1, signed_of(epoch.first_seq)).bind(2, std::string_view(text));
  if (epoch.opened.previous)
    insert->bind(3, std::string_view(previous));
  else
    insert->bind_null(3);
  insert->bind(4, signed_of(epoch.opened.last_seq));
  if (epoch.opened.chain)
    insert->bind_blob(5, view(*epoch.opened.chain));
  else
    insert->bind_null(5);
  insert->bind(6, std::string_view(epoch.opened.reason));
  SLUICE_TRY(insert->run());
  return insert_machine(database, epoch);
}

Result<void> insert_category(Database& database, const std::string& category) {
  auto insert = database.prepare("INSERT OR IGNORE INTO category(name) VALUES(?1)");
  if (!insert) return insert.error();
  insert->bind(1, std::string_view(category));
  return insert->run();
}

Result<void> insert_set_aside(Database& database, const SetAside& range) {
  auto insert = database.prepare(
      "INSERT OR REPLACE INTO set_aside(from_seq,to_seq,epoch,reason) VALUES(?1,?2,?3,?4)");
  if (!insert) return insert.error();
  const std::string epoch = range.epoch.text();
  insert->bind(1, signed_of(range.from))
      .bind(2, signed_of(range.to))
      .bind(3, std::string_view(epoch))
      .bind(4, core::gap_reason_word(range.reason));
  return insert->run();
}

Result<void> update_acks(Database& database, const LaneBook& book, core::Seq known,
                         std::size_t words_known) {
  auto cut = database.prepare("DELETE FROM anchor WHERE acked>?1");
  if (!cut) return cut.error();
  cut->bind(1, signed_of(known));
  SLUICE_TRY(cut->run());
  SLUICE_TRY(save_words(database, book.anchors.words(), words_known));
  SLUICE_TRY(insert_anchors(database, book.anchors, known));
  SLUICE_TRY(save_acked_segments(database, book));
  auto meta = Meta::writer(database);
  if (!meta) return meta.error();
  return save_powered(*meta, book);
}

}  // namespace sluice::storage
