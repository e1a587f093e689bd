// SPDX-License-Identifier: Apache-2.0
// Projection into SQLite beside a hand-written prepared upsert loop with the same gate.
//
//     projection_bench [--rounds=5] [--events=300000] [--streams=1000,200000] [--gateways=1000]
//                      [--batch=500] [--dir=FOLDER]
//                      [--model=examples/machine-temperature.model.toml]
//
// Once for each number of streams: rows that stay in memory, and more rows than do. Once more with
// the first of them and --gateways that take turns, so that every event has another gate row. The
// sides take turns. Both decode the same bodies with the same codec, check the Nats-Msg-Id, keep
// the gate's rows and the position in each batch's transaction, and run SQLite with the same
// settings.
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/projection_work.hpp"
#include "bench/report.hpp"

namespace sluice::bench {
namespace {

struct Plan : ProjectionPlan {
  std::filesystem::path dir;
};

// The limit: what a careful program of one's own would do for this one table.
class HandWritten {
 public:
  explicit HandWritten(const std::filesystem::path& path) {
    check(sqlite3_open(path.c_str(), &database_));
    run("PRAGMA journal_mode = wal; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;"
        "CREATE TABLE machine (gateway TEXT NOT NULL, machine TEXT NOT NULL, n INTEGER, sum REAL,"
        " last REAL, low REAL, high REAL, PRIMARY KEY (gateway, machine)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE gate (gateway TEXT, epoch TEXT, lane INTEGER, next INTEGER,"
        " PRIMARY KEY (gateway, epoch, lane)) WITHOUT ROWID;"
        "CREATE TABLE position (hub TEXT PRIMARY KEY, sequence INTEGER) WITHOUT ROWID;");
    upsert_ = prepare(
        "INSERT INTO machine VALUES (?1, ?2, 1, ?3, ?3, ?3, ?3) ON CONFLICT (gateway, machine) DO"
        " UPDATE SET n = n + 1, sum = sum + ?3, last = ?3, low = min(low, ?3), high = max(high, "
        "?3)");
    gate_ = prepare(
        "INSERT INTO gate VALUES (?1, ?2, ?3, ?4) ON CONFLICT (gateway, epoch, lane) DO"
        " UPDATE SET next = ?4");
    position_ = prepare(
        "INSERT INTO position VALUES ('EVENTS-main', ?1) ON CONFLICT (hub) DO"
        " UPDATE SET sequence = ?1");
  }
  ~HandWritten() {
    for (sqlite3_stmt* statement : {upsert_, gate_, position_}) sqlite3_finalize(statement);
    sqlite3_close(database_);
  }

  void apply(const Message* messages, std::size_t count, std::uint64_t hub_seq) {
    run("BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < count; ++i) one(messages[i]);
    checked_.each_lane([&](const HandChecked::Lane& lane) {
      const std::string epoch = lane.epoch.text();
      text(gate_, 1, lane.gateway);
      text(gate_, 2, epoch);
      sqlite3_bind_int64(gate_, 3, static_cast<sqlite3_int64>(lane.lane));
      sqlite3_bind_int64(gate_, 4, static_cast<sqlite3_int64>(lane.next));
      step(gate_);
    });
    sqlite3_bind_int64(position_, 1, static_cast<sqlite3_int64>(hub_seq));
    step(position_);
    run("COMMIT");
  }

 private:
  void one(const Message& message) {
    const HandChecked::Reading reading = checked_.read(message);
    if (!reading.is_reading) return;
    text(upsert_, 1, reading.event.gateway);
    text(upsert_, 2, reading.event.entity);
    sqlite3_bind_double(upsert_, 3, reading.value);
    step(upsert_);
  }
  void check(int code) {
    if (code != SQLITE_OK) give_up(sqlite3_errmsg(database_));
  }
  void run(const char* sql) { check(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr));
    return statement;
  }
  static void text(sqlite3_stmt* statement, int number, std::string_view text) {
    sqlite3_bind_text(statement, number, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) give_up(sqlite3_errmsg(database_));
    sqlite3_reset(statement);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
  sqlite3_stmt* gate_ = nullptr;
  sqlite3_stmt* position_ = nullptr;
  HandChecked checked_;
};

struct Folder {
  explicit Folder(const std::filesystem::path& where) : path(where / "projection_bench.tmp") {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

double run_hand(const Plan& plan, const std::vector<Message>& messages) {
  const Folder folder(plan.dir);
  HandWritten hand(folder.path / "hand.db");
  const Stopwatch watch;
  for (std::size_t at = 0; at < messages.size(); at += plan.batch) {
    const std::size_t count = std::min(plan.batch, messages.size() - at);
    hand.apply(&messages[at], count, at + count);
  }
  return static_cast<double>(messages.size()) / watch.seconds();
}

double run_sqlite(const Plan& plan, const std::vector<Message>& messages,
                  const std::shared_ptr<const projection::Model>& model) {
  const Folder folder(plan.dir);
  return run_engine(plan, messages, model, folder.path / model->database_name());
}

void compare(const Plan& plan, long rounds) {
  const auto messages = make_messages(plan);
  const auto model = need(projection::Model::parse(kProjectionModel, "bench.model.toml"));
  std::vector<double> hand, engine, ratio;
  for (long round = 0; round < rounds; ++round) {
    hand.push_back(run_hand(plan, messages));
    engine.push_back(run_sqlite(plan, messages, model));
    ratio.push_back(engine.back() / hand.back());
  }
  print({.figure = "projection into SQLite, " + projection_size(plan),
         .value = median(engine),
         .unit = "events/s",
         .limit_or_peer =
             "hand-written upsert loop with the same gate: " + rounded(median(hand)) + " events/s",
         .ratio = median(ratio),
         .at_least = 0.7});
}

void try_example(const Plan& plan, long rounds, const std::string& file) {
  const auto messages = make_messages(plan);
  const auto model = need(projection::Model::load(file));
  std::vector<double> engine;
  for (long round = 0; round < rounds; ++round) engine.push_back(run_sqlite(plan, messages, model));
  print({.figure = file + " (two tables, latest), " + projection_size(plan),
         .value = median(engine),
         .unit = "events/s",
         .limit_or_peer = "",
         .ratio = std::nullopt});
}

void measure(Arguments arguments) {
  const long rounds = arguments.number("rounds", 5);
  Plan plan;
  plan.events = static_cast<std::size_t>(arguments.number("events", 300'000));
  plan.batch = static_cast<std::size_t>(arguments.number("batch", 500));
  plan.dir = arguments.text("dir", std::filesystem::temp_directory_path().string());
  const auto streams = arguments.numbers("streams", {1000, 200'000});
  const auto gateways = static_cast<std::size_t>(arguments.number("gateways", 1000));
  const std::string example = arguments.text("model", "examples/machine-temperature.model.toml");
  arguments.finish();
  if (plan.events == 0 || plan.batch == 0) give_up("a number is 0");

  for (const std::size_t some : streams) {
    plan.streams = some;
    compare(plan, rounds);
  }
  plan.streams = streams.front();
  plan.gateways = gateways;
  compare(plan, rounds);
  plan.gateways = 1;
  try_example(plan, rounds, example);
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  sluice::bench::measure({count, words});
}
