// SPDX-License-Identifier: Apache-2.0
#include "bench/plain_log.hpp"

#include <sqlite3.h>

#include "bench/report.hpp"
#include "bench/workload.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kFillBatch = 10'000;

}  // namespace

PlainLog::PlainLog(const std::filesystem::path& file, bool with_ids) : with_ids_(with_ids) {
  if (sqlite3_open(file.c_str(), &db_) != SQLITE_OK) give_up(file.string() + " cannot be opened");
  run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=4194304;"
      "PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-8192");
  run("CREATE TABLE event(seq INTEGER PRIMARY KEY, crc INT NOT NULL, id BLOB NOT NULL,"
      "body BLOB NOT NULL)");
  if (with_ids_) run("CREATE UNIQUE INDEX by_id ON event(id)");
  if (sqlite3_prepare_v2(db_, "INSERT INTO event(seq,crc,id,body) VALUES(?1,?2,?3,?4)", -1,
                         &insert_, nullptr) != SQLITE_OK)
    give_up(sqlite3_errmsg(db_));
}

PlainLog::~PlainLog() {
  sqlite3_finalize(insert_);
  sqlite3_close(db_);
}

void PlainLog::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db_));
}

void PlainLog::begin() {
  run("BEGIN IMMEDIATE");
}
void PlainLog::commit() {
  run("COMMIT");
}

void PlainLog::insert(const core::Uuid& id, std::string_view body) {
  chain_ = core::chain_next(chain_, body);
  sqlite3_bind_int64(insert_, 1, ++seq_);
  sqlite3_bind_int64(insert_, 2, core::crc32c(body));
  sqlite3_bind_blob(insert_, 3, id.bytes.data(), static_cast<int>(id.bytes.size()), SQLITE_STATIC);
  sqlite3_bind_blob(insert_, 4, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
  if (sqlite3_step(insert_) != SQLITE_DONE) give_up(sqlite3_errmsg(db_));
  sqlite3_reset(insert_);
}

void PlainLog::fill(std::uint64_t events, bool random_ids) {
  Workload workload(random_ids ? Ids::kRandom : Ids::kV7);
  const std::string body = encoded_body(70'000, {}, workload.data());
  if (with_ids_) run("DROP INDEX by_id");
  run("PRAGMA synchronous=OFF");
  for (std::uint64_t done = 0; done < events; done += kFillBatch) {
    begin();
    for (std::uint64_t i = 0; i < kFillBatch; ++i) insert(workload.next_id(), body);
    commit();
  }
  if (with_ids_) run("CREATE UNIQUE INDEX by_id ON event(id)");
  run("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous=FULL");
}

}  // namespace sluice::bench
