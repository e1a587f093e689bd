// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_writer.hpp"

#include "storage/segment_file.hpp"

namespace sluice::storage {
namespace {

using core::Result;
using sqlite::Database;
using sqlite::OpenMode;

// Holds a group's pages; a larger group spills into the WAL, which costs nothing but order.
constexpr int kCacheKib = 512;
// Nobody else writes, but a reader may be recovering the WAL that a killed writer left.
constexpr int kBusyMs = 10'000;

sqlite::OpenOptions options_of(const std::string& vfs) {
  sqlite::OpenOptions options;
  options.cache_kib = kCacheKib;
  options.busy_timeout_ms = kBusyMs;
  options.vfs = vfs;
  options.checkpoint_on_close = false;  // who closes decides, and sees whether it worked
  return options;
}

}  // namespace

Result<void> set_write_pragmas(Database& database) {
  SLUICE_TRY(database.set_pragma("journal_mode", "wal", "wal"));
  SLUICE_TRY(database.set_pragma("synchronous", "FULL", "2"));
  SLUICE_TRY(database.set_pragma("secure_delete", "OFF", "0"));
  SLUICE_TRY(database.set_pragma("journal_size_limit", "4194304", "4194304"));
  return database.set_pragma("wal_autocheckpoint", "1000", "1000");
}

SegmentWriter::SegmentWriter(Database database)
    : database_(std::make_unique<Database>(std::move(database))) {}

Result<void> SegmentWriter::prepare() {
  auto insert = database_->prepare("INSERT INTO event(seq,crc,body) VALUES(?1,?2,?3)");
  if (!insert) return insert.error();
  insert_ = std::move(*insert);
  return {};
}

Result<SegmentWriter> SegmentWriter::create(const std::filesystem::path& path,
                                            const SegmentHead& head, const StreamTable& streams,
                                            const LaneBook& book, const std::string& vfs,
                                            const More& more) {
  auto database = Database::open(path, OpenMode::kCreate, options_of(vfs));
  if (!database) return database.error();
  SLUICE_TRY(database->set_pragma("page_size", "4096", "4096"));
  // Written into the file itself, before there is a WAL: a program too old for a format can tell
  // without recovering, and so touching, anything. One sync for all of it, when the mode changes;
  // a file that a power cut leaves half-made here has no WAL, and boot removes it.
  SLUICE_TRY(
      database->exec("PRAGMA journal_mode=memory; PRAGMA synchronous=OFF; BEGIN IMMEDIATE; PRAGMA "
                     "application_id=" +
                     std::to_string(kSegmentApplication) + "; PRAGMA user_version=" +
                     std::to_string(kSegmentFormat) + "; COMMIT; PRAGMA synchronous=FULL"));
  SLUICE_TRY(set_write_pragmas(*database));
  SegmentWriter writer(std::move(*database));
  SLUICE_TRY(writer.begin());
  SLUICE_TRY(create_tables(writer.database(), head, streams));
  SLUICE_TRY(save_book(writer.database(), book));
  SLUICE_TRY(writer.prepare());
  if (more) SLUICE_TRY(more(writer));
  SLUICE_TRY(writer.commit());
  SLUICE_TRY(sync_folder(path.parent_path()));
  return writer;
}

Result<SegmentWriter> SegmentWriter::open(const std::filesystem::path& path,
                                          const std::string& vfs) {
  auto database = Database::open(path, OpenMode::kReadWrite, options_of(vfs));
  if (!database) return database.error();
  SLUICE_TRY(set_write_pragmas(*database));
  SegmentWriter writer(std::move(*database));
  SLUICE_TRY(writer.prepare());
  return writer;
}

Result<void> SegmentWriter::begin() {
  auto transaction = sqlite::Transaction::begin(*database_);
  if (!transaction) return transaction.error();
  transaction_.emplace(std::move(*transaction));
  return {};
}

Result<void> SegmentWriter::insert(core::Seq seq, std::uint32_t crc, std::string_view body) {
  insert_.bind(1, static_cast<std::int64_t>(seq)).bind(2, std::int64_t{crc}).bind_blob(3, body);
  return insert_.run();
}

Result<void> SegmentWriter::commit() {
  const auto done = transaction_->commit();
  if (!done) {
    transaction_.reset();
    return done.error();
  }
  transaction_.reset();
  return {};
}

}  // namespace sluice::storage
