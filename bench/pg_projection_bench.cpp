// SPDX-License-Identifier: Apache-2.0
// Projection into PostgreSQL beside a hand-written loop: one prepared upsert per event, pipelined,
// with the same gate.
//
//     pg_projection_bench [--rounds=5] [--events=300000] [--streams=1000,100000]
//                         [--gateways=1000] [--batch=500]
//
// Once for each number of streams, and with the first of them for --gateways that take turns, so
// that every event has another gate row. The sides take turns on one scratch server (fsync on, Unix
// socket). Both decode the same bodies with the same codec, check the Nats-Msg-Id, keep the gate's
// rows and the position in each batch's transaction, and commit without waiting for the disk, since
// the position goes with the rows.
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include "bench/projection_work.hpp"
#include "bench/report.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::bench {
namespace {

class HandWritten {
 public:
  HandWritten(const std::string& conninfo, const std::string& schema)
      : handle_(PQconnectdb(conninfo.c_str())) {
    if (PQstatus(handle_) != CONNECTION_OK) give_up(PQerrorMessage(handle_));
    run("CREATE SCHEMA " + schema + "; SET search_path = " + schema +
        "; SET synchronous_commit = off; SET jit = off;"
        "CREATE TABLE machine (gateway text COLLATE \"C\", machine text COLLATE \"C\", n bigint,"
        " sum float8, last float8, low float8, high float8, PRIMARY KEY (gateway, machine));"
        "CREATE TABLE gate (gateway text, epoch text, lane bigint, next bigint,"
        " PRIMARY KEY (gateway, epoch, lane));"
        "CREATE TABLE position (hub text PRIMARY KEY, sequence bigint)");
    prepare("upsert",
            "INSERT INTO machine VALUES ($1, $2, 1, $3, $3, $3, $3) ON CONFLICT (gateway, machine)"
            " DO UPDATE SET n = machine.n + 1, sum = machine.sum + $3, last = $3,"
            " low = least(machine.low, $3), high = greatest(machine.high, $3)");
    prepare("gate",
            "INSERT INTO gate VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (gateway, epoch, lane) DO UPDATE SET next = $4");
    prepare("position",
            "INSERT INTO position VALUES ('EVENTS-main', $1)"
            " ON CONFLICT (hub) DO UPDATE SET sequence = $1");
    if (PQenterPipelineMode(handle_) == 0 || PQsetnonblocking(handle_, 0) != 0) fail();
  }
  ~HandWritten() { PQfinish(handle_); }
  HandWritten(const HandWritten&) = delete;
  HandWritten& operator=(const HandWritten&) = delete;

  void apply(const Message* messages, std::size_t count, std::uint64_t hub_seq) {
    send("BEGIN");
    for (std::size_t i = 0; i < count; ++i) {
      const HandChecked::Reading reading = checked_.read(messages[i]);
      if (!reading.is_reading) continue;
      const std::string value = big_endian(std::bit_cast<std::uint64_t>(reading.value));
      run_prepared("upsert", {reading.event.gateway, reading.event.entity, value});
      // Read on the way, or both ends stop on full buffers.
      if (sent_ == 100) collect();
    }
    checked_.each_lane([&](const HandChecked::Lane& lane) {
      const std::string epoch = lane.epoch.text();
      run_prepared("gate", {lane.gateway, epoch, big_endian(static_cast<std::uint64_t>(lane.lane)),
                            big_endian(lane.next)});
      if (sent_ == 100) collect();
    });
    run_prepared("position", {big_endian(hub_seq)});
    send("COMMIT");
    collect();
  }

 private:
  [[noreturn]] void fail() const { give_up(PQerrorMessage(handle_)); }
  void run(const std::string& sql) {
    PGresult* result = PQexec(handle_, sql.c_str());
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
    PQclear(result);
  }
  void prepare(const char* name, const char* sql) {
    PGresult* result = PQprepare(handle_, name, sql, 0, nullptr);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
    PQclear(result);
  }
  static std::string big_endian(std::uint64_t value) {
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
    return out;
  }
  void send(const char* sql) {
    if (PQsendQueryParams(handle_, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 0) fail();
    ++sent_;
  }
  void run_prepared(const char* name, std::initializer_list<std::string_view> values) {
    std::array<std::string, 4> texts;  // with the zero that libpq wants behind them
    std::array<const char*, 4> data{};
    std::array<int, 4> lengths{};
    const std::array<int, 4> binary = {1, 1, 1, 1};
    std::size_t i = 0;
    for (const std::string_view value : values) {
      texts[i] = value;
      data[i] = texts[i].data();
      lengths[i++] = static_cast<int>(value.size());
    }
    if (PQsendQueryPrepared(handle_, name, static_cast<int>(i), data.data(), lengths.data(),
                            binary.data(), 1) == 0)
      fail();
    ++sent_;
  }
  void collect() {
    if (PQpipelineSync(handle_) == 0) fail();
    for (; sent_ > 0; --sent_) {
      PGresult* result = PQgetResult(handle_);
      if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
      PQclear(result);
      PQgetResult(handle_);
    }
    PQclear(PQgetResult(handle_));  // the sync
  }

  PGconn* handle_;
  HandChecked checked_;
  std::size_t sent_ = 0;
};

double run_hand(const ProjectionPlan& plan, const std::vector<Message>& messages,
                const std::string& conninfo, const std::string& schema) {
  HandWritten hand(conninfo, schema);
  const Stopwatch watch;
  for (std::size_t at = 0; at < messages.size(); at += plan.batch) {
    const std::size_t count = std::min(plan.batch, messages.size() - at);
    hand.apply(&messages[at], count, at + count);
  }
  return static_cast<double>(messages.size()) / watch.seconds();
}

void compare(const ProjectionPlan& plan, long rounds, const std::string& conninfo) {
  const auto messages = make_messages(plan);
  const auto model = need(projection::Model::parse(kProjectionModel, "bench.model.toml"));
  std::vector<double> hand, engine, ratio;
  for (long round = 0; round < rounds; ++round) {
    const std::string version = std::to_string(plan.streams) + "_" + std::to_string(plan.gateways) +
                                "_" + std::to_string(round);
    hand.push_back(run_hand(plan, messages, conninfo, "hand" + version));
    engine.push_back(run_engine(plan, messages, model,
                                projection::Place::postgres(conninfo, "bench__v" + version)));
    ratio.push_back(engine.back() / hand.back());
  }
  print({.figure = "projection into PostgreSQL, " + projection_size(plan),
         .value = median(engine),
         .unit = "events/s",
         .limit_or_peer = "hand-written pipelined upsert loop with the same gate: " +
                          rounded(median(hand)) + " events/s",
         .ratio = median(ratio),
         .at_least = 0.7});
}

void measure(Arguments arguments) {
  const long rounds = arguments.number("rounds", 5);
  ProjectionPlan plan;
  plan.events = static_cast<std::size_t>(arguments.number("events", 300'000));
  plan.batch = static_cast<std::size_t>(arguments.number("batch", 500));
  const auto streams = arguments.numbers("streams", {1000, 100'000});
  const auto gateways = static_cast<std::size_t>(arguments.number("gateways", 1000));
  arguments.finish();
  if (plan.events == 0 || plan.batch == 0) give_up("a number is 0");

  test::PostgresServer::Options options;
  options.syncs = true;
  options.config = "autovacuum = on\nmax_wal_size = 1GB\nshared_buffers = 128MB";
  const test::PostgresServer server(options);
  for (const std::size_t some : streams) {
    plan.streams = some;
    compare(plan, rounds, server.conninfo());
  }
  plan.streams = streams.front();
  plan.gateways = gateways;
  compare(plan, rounds, server.conninfo());
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  sluice::bench::measure({count, words});
}
