// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/bad_writer.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/lab/disk/loop_disk.hpp"
#include "tests/support/process.hpp"

namespace sluice::test {
namespace {

constexpr std::uint64_t kRecords = 100;

void pace() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(3);
  eventually([&] { return std::chrono::steady_clock::now() >= until; });
}

class Database {
 public:
  Database(const std::filesystem::path& file, const std::string& synchronous) {
    if (sqlite3_open(file.c_str(), &database_) != SQLITE_OK)
      throw std::runtime_error("no database");
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=" + synchronous);
  }
  ~Database() { sqlite3_close(database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::uint64_t run(const std::string& sql) {
    std::uint64_t number = 0;
    const auto first = [](void* out, int, char** values, char**) {
      *static_cast<std::uint64_t*>(out) =
          values[0] != nullptr ? std::stoull("0" + std::string(values[0]), nullptr, 10) : 0;
      return 0;
    };
    char* words = nullptr;
    if (sqlite3_exec(database_, sql.c_str(), sql.rfind("SELECT", 0) == 0 ? +first : nullptr,
                     &number, &words) != SQLITE_OK) {
      const std::string why = words != nullptr ? words : "?";
      sqlite3_free(words);
      throw std::runtime_error(sql + ": " + why);
    }
    return number;
  }

 private:
  sqlite3* database_ = nullptr;
};

std::uint64_t sqlite_left(LoopDisk& disk, const std::string& synchronous) {
  const auto file = disk.path() / "db";
  {
    // The empty table is synced before: only the commits are the question.
    Database database(file, "FULL");
    database.run("CREATE TABLE r(n INTEGER PRIMARY KEY, pad BLOB)");
  }
  {
    Database database(file, synchronous);
    for (std::uint64_t i = 1; i <= kRecords; ++i, pace())
      database.run("INSERT INTO r VALUES(" + std::to_string(i) + ", zeroblob(150))");
    disk.cut();
  }
  disk.mount_again();
  return Database(file, "FULL").run("SELECT count(*) FROM r");
}

std::uint64_t plain_left(LoopDisk& disk) {
  const auto file = disk.path() / "records";
  const std::string record(200, 'x');
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) throw std::runtime_error("no file");
  for (std::uint64_t i = 0; i < kRecords; ++i, pace())
    if (::write(out, record.data(), record.size()) != static_cast<ssize_t>(record.size()))
      throw std::runtime_error("a write failed");
  disk.cut();
  ::close(out);
  disk.mount_again();
  std::error_code none;
  const auto size = std::filesystem::file_size(file, none);
  return none ? 0 : size / record.size();
}

}  // namespace

std::uint64_t lost_by_cut(Writer writer) {
  LoopDisk disk(LoopDisk::Options{.bytes = 64u << 20});
  switch (writer) {
    case Writer::kSqliteFull:
      return kRecords - sqlite_left(disk, "FULL");
    case Writer::kSqliteNormal:
      return kRecords - sqlite_left(disk, "NORMAL");
    case Writer::kPlainWrites:
      return kRecords - plain_left(disk);
  }
  return 0;
}

}  // namespace sluice::test
