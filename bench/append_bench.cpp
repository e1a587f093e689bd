// SPDX-License-Identifier: Apache-2.0
// Log append beside a plain C loop on SQLite with the same settings, checksum and chain hash.
//   append_bench [--events N] [--retained N] [--batch N] [--dir DIR]
// prints one JSON object per figure. The two sides run in turns, and each figure is the median of
// its rounds, since a disk's speed changes from minute to minute.
#include <sqlite3.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "core/codec/event_codec.hpp"
#include "core/hash.hpp"
#include "storage/event_log.hpp"

using namespace sluice;

namespace {

constexpr int kRounds = 5;
constexpr std::size_t kDataBytes = 110;  // gives a body of 250 bytes

struct Arguments {
  std::size_t events = 200'000;
  std::size_t retained = 2'000'000;
  std::size_t batch = 100;
  std::filesystem::path dir = "/tmp";
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string make_data() {
  std::string data = "\xda";
  data += static_cast<char>(0);
  data += static_cast<char>(kDataBytes);
  return data + std::string(kDataBytes, 'm');
}

core::EventView make_view(const std::string& data) {
  core::EventView view;
  view.gateway = "bench";
  view.epoch = {0x1234567890abcdef};
  view.seq = 1'000'000;
  view.category = "pump";
  view.entity = "7";
  view.version = 1000;
  view.recorded = {1'790'000'000'000'000'000, core::Uuid{{1}}, 1'000'000'000'000, true};
  view.type = "Measured";
  view.data = data;
  return view;
}

core::Uuid random_id(core::Random& random) {
  core::Uuid id;
  for (int half = 0; half < 2; ++half) {
    const std::uint64_t bits = random.next();
    std::memcpy(id.bytes.data() + 8 * half, &bits, 8);
  }
  id.bytes[6] = static_cast<std::uint8_t>(0x40 | (id.bytes[6] & 0x0f));
  return id;
}

// The limit: what SQLite itself does in a loop.
class PlainLoop {
 public:
  explicit PlainLoop(const std::filesystem::path& path) {
    check(sqlite3_open(path.c_str(), &database_));
    for (const char* sql :
         {"PRAGMA page_size=4096", "PRAGMA journal_mode=wal", "PRAGMA synchronous=FULL",
          "PRAGMA secure_delete=OFF", "PRAGMA journal_size_limit=4194304", "PRAGMA cache_size=-512",
          "CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, "
          "crc INTEGER NOT NULL, body BLOB NOT NULL)"})
      check(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
    prepare("INSERT INTO event(seq,crc,body) VALUES(?1,?2,?3)", &insert_);
    prepare("BEGIN IMMEDIATE", &begin_);
    prepare("COMMIT", &commit_);
  }
  ~PlainLoop() {
    for (sqlite3_stmt* statement : {insert_, begin_, commit_}) sqlite3_finalize(statement);
    sqlite3_close(database_);
  }

  double run(std::size_t events, std::size_t batch, const std::string& body) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < events; done += batch) {
      step(begin_);
      for (std::size_t i = 0; i < batch; ++i) {
        chain_ = core::chain_next(chain_, body);
        sqlite3_bind_int64(insert_, 1, ++seq_);
        sqlite3_bind_int64(insert_, 2, core::crc32c(body));
        sqlite3_bind_blob64(insert_, 3, body.data(), body.size(), SQLITE_STATIC);
        step(insert_);
      }
      step(commit_);
    }
    return static_cast<double>(events) / seconds_since(start);
  }

 private:
  static void check(int code) {
    if (code == SQLITE_OK) return;
    std::fprintf(stderr, "SQLite %d\n", code);
    std::exit(1);
  }
  void prepare(const char* sql, sqlite3_stmt** statement) {
    check(sqlite3_prepare_v2(database_, sql, -1, statement, nullptr));
  }
  static void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) check(SQLITE_ERROR);
    sqlite3_reset(statement);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
  std::int64_t seq_ = 0;
  core::ChainHash chain_{};
};

enum class Ids { kNone, kV7, kRandom };

// The log, with `batch` events per append and two appends under way.
class Log {
 public:
  explicit Log(const std::filesystem::path& folder) : v7_(random_) {
    storage::LogSettings settings;
    settings.disk_free_min = 0;
    for (auto& lane : settings.lanes) {
      lane.commit_interval = std::chrono::milliseconds(0);
      lane.quota_bytes = 1ull << 40;
    }
    auto log = storage::EventLog::open({folder, *core::GatewayId::parse("bench"), settings, {}, {}},
                                       {clock_, random_, logger_});
    if (!log) {
      std::fprintf(stderr, "%s\n", core::to_string(log.error()).c_str());
      std::exit(1);
    }
    log_ = std::move(*log);
  }

  double run(std::size_t events, std::size_t batch, const std::string& data, Ids ids) {
    const auto start = std::chrono::steady_clock::now();
    std::future<void> before;
    for (std::size_t done = 0; done < events; done += batch) {
      storage::AppendRequest request;
      request.events.resize(batch);
      for (storage::NewEvent& event : request.events) {
        event.stream = {"pump", "7"};
        event.type = "Measured";
        event.data = data;
        if (ids == Ids::kV7) event.id = v7_.next(clock_.wall_ns());
        if (ids == Ids::kRandom) event.id = random_id(ids_random_);
      }
      auto promise = std::make_shared<std::promise<void>>();
      auto answered = promise->get_future();
      // One append at a time, as the plain loop: no two batches share a commit.
      log_->append(std::move(request), [promise](auto answer) {
        if (!answer) {
          std::fprintf(stderr, "%s\n", core::to_string(answer.error()).c_str());
          std::exit(1);
        }
        promise->set_value();
      });
      answered.get();
    }
    return static_cast<double>(events) / seconds_since(start);
  }

  void fill(std::size_t events, const std::string& data) { run(events, 1000, data, Ids::kV7); }

 private:
  core::SystemClock clock_;
  core::SystemRandom random_;
  core::SeededRandom ids_random_{20261121};
  core::NullLogger logger_;
  core::UuidV7 v7_;
  std::unique_ptr<storage::EventLog> log_;
};

void compare(Log& log, PlainLoop& plain, const Arguments& arguments, std::size_t retained, Ids ids,
             const std::string& data, const std::string& body) {
  std::vector<double> ours;
  std::vector<double> theirs;
  const std::size_t share = arguments.events / kRounds / arguments.batch * arguments.batch;
  for (int round = 0; round < kRounds; ++round) {
    theirs.push_back(plain.run(share, arguments.batch, body));
    ours.push_back(log.run(share, arguments.batch, data, ids));
  }
  const char* word = ids == Ids::kV7 ? "uuid7" : ids == Ids::kRandom ? "random" : "gateway";
  std::printf(
      "{\"bench\":\"append\",\"retained\":%zu,\"ids\":\"%s\",\"batch\":%zu,"
      "\"event_bytes\":%zu,\"log_per_s\":%.0f,\"plain_per_s\":%.0f,\"ratio\":%.2f}\n",
      retained, word, arguments.batch, body.size(), median(ours), median(theirs),
      median(ours) / median(theirs));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--events")
      arguments.events = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--retained")
      arguments.retained = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--batch")
      arguments.batch = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--dir")
      arguments.dir = argv[i + 1];
    else
      return std::fprintf(stderr, "unknown option %s\n", argv[i]), 2;
  }
  std::string folder = (arguments.dir / "sluice-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string data = make_data();
  const std::string body = codec::encode_event(make_view(data));
  for (const std::size_t retained : {std::size_t{0}, arguments.retained}) {
    for (const Ids ids : {Ids::kNone, Ids::kV7, Ids::kRandom}) {
      const auto place = std::filesystem::path(folder) / "run";
      std::filesystem::create_directory(place);
      {
        Log log(place / "log");
        PlainLoop plain(place / "plain.db");
        if (retained > 0) log.fill(retained, data);
        if (retained > 0) plain.run(retained, 1000, body);
        compare(log, plain, arguments, retained, ids, data, body);
      }
      std::filesystem::remove_all(place);
    }
    if (arguments.retained == 0) break;
  }
  std::filesystem::remove_all(folder);
}
