// SPDX-License-Identifier: Apache-2.0
// What exactly-once bookkeeping costs: the engine beside the same decoding, rules, rows and
// transactions without it, where an event that comes twice counts twice. The bookkeeping is all
// that the engine does for it: the check of subject and Nats-Msg-Id, the gate, the position, the
// totals, and the look for parked streams.
//
//     gate_bench [--rounds=3] [--events=300000] [--streams=1000,100000] [--gateways=1000]
//                [--batch=500] [--dir=FOLDER]
//
// One gateway and each of --streams, then --gateways of them over the first of --streams (the gate
// has a row for each), in SQLite and in PostgreSQL. The sides take turns. The first event of each
// gateway, which opens its lane, is timed apart.
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/projection_work.hpp"
#include "bench/report.hpp"
#include "core/codec/event_codec.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/evaluator.hpp"
#include "projection/engine/rows.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::bench {
namespace {

// The engine's parts without its memory of what was read.
class Ungated {
 public:
  Ungated(const std::shared_ptr<const projection::Model>& model, const projection::Place& place)
      : model_(model) {
    make_tables(place);
    target_ = need(projection::Target::open(place, projection::Access::kWrite));
    need(target_->claim());
    rows_ = need(projection::Rows::open(*target_, projection::Evaluator::shapes(*model)));
    evaluator_ = std::make_unique<projection::Evaluator>(*model, *rows_);
  }

  void apply(std::span<const Message> messages) {
    rows_->next_batch();
    auto transaction = need(projection::Transaction::begin(*target_, projection::Begin::kWrite));
    events_.clear();
    for (const Message& message : messages)
      events_.push_back(need(codec::decode_event(message.body)));
    if (target_->dialect() == projection::Dialect::kPostgres) announce();
    for (std::size_t i = 0; i < events_.size(); ++i) run(events_[i], messages[i].body);
    need(rows_->flush());
    need(transaction.commit());
    rows_->trim(projection::EngineSettings().cache_bytes);
  }

 private:
  void make_tables(const projection::Place& place) {
    core::SystemClock clock;
    core::NullLogger log;
    need(projection::Engine::open(model_, place, clock, log));
  }
  bool wanted(const core::EventView& event) const {
    return model_->wants(event.gateway, event.lane, event.category, event.type);
  }
  void announce() {
    for (const core::EventView& event : events_)
      if (wanted(event)) evaluator_->announce(event, 0);
    need(rows_->load());
  }
  void run(const core::EventView& event, std::string_view body) {
    if (!wanted(event)) return;
    const std::string why = need(evaluator_->run({.event = event, .body = body, .epoch_order = 1}));
    if (!why.empty()) give_up(why);
  }

  std::shared_ptr<const projection::Model> model_;
  std::unique_ptr<projection::Target> target_;
  std::unique_ptr<projection::Rows> rows_;
  std::unique_ptr<projection::Evaluator> evaluator_;
  std::vector<core::EventView> events_;
};

struct Speed {
  double opening = 0;    // seconds for the first event of each gateway
  double rate = 0;       // events per second, all others
  double processor = 0;  // microseconds of this process per event; a server's are not in it
};

template <class Side>
Speed run(const ProjectionPlan& plan, std::span<const Message> messages,
          const std::shared_ptr<const projection::Model>& model, const projection::Place& place) {
  Side side(model, place);
  const Stopwatch opening;
  apply_all(side, messages.first(plan.gateways), plan.batch);
  Speed out{.opening = opening.seconds()};
  const auto rest = messages.subspan(plan.gateways);
  const auto events = static_cast<double>(rest.size());
  const std::clock_t before = std::clock();
  const Stopwatch watch;
  apply_all(side, rest, plan.batch);
  out.rate = events / watch.seconds();
  out.processor = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC * 1e6 / events;
  return out;
}

// New databases, one for each run of a side.
class Places {
 public:
  explicit Places(const std::filesystem::path& dir) : folder_(dir / "gate_bench.tmp") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Places() { std::filesystem::remove_all(folder_); }
  projection::Place next(projection::Dialect dialect, const projection::Model& model) {
    const std::string number = std::to_string(++count_);
    if (dialect == projection::Dialect::kPostgres)
      return projection::Place::postgres(server_.conninfo(), "bench__v" + number);
    return folder_ / (number + "." + model.database_name());
  }

 private:
  static test::PostgresServer::Options options() {
    test::PostgresServer::Options out;
    out.syncs = true;
    out.config = "max_wal_size = 1GB\nshared_buffers = 128MB";
    return out;
  }
  std::filesystem::path folder_;
  test::PostgresServer server_{options()};
  int count_ = 0;
};

void compare(projection::Dialect dialect, const ProjectionPlan& plan, long rounds, Places& places) {
  const auto messages = make_messages(plan);
  const auto model = need(projection::Model::parse(kProjectionModel, "bench.model.toml"));
  std::vector<double> with, without, ratio, processor, opening;
  for (long round = 0; round < rounds; ++round) {
    const Speed ungated = run<Ungated>(plan, messages, model, places.next(dialect, *model));
    const Speed engine = run<EngineRun>(plan, messages, model, places.next(dialect, *model));
    without.push_back(ungated.rate);
    with.push_back(engine.rate);
    ratio.push_back(engine.rate / ungated.rate);
    processor.push_back(engine.processor - ungated.processor);
    opening.push_back(engine.opening * 1e6 / static_cast<double>(plan.gateways));
  }
  const std::string where = dialect == projection::Dialect::kSqlite ? "SQLite, " : "PostgreSQL, ";
  print({.figure = "exactly-once bookkeeping, " + where + projection_size(plan),
         .value = median(with),
         .unit = "events/s",
         .limit_or_peer = "without it: " + rounded(median(without)) + " events/s; it takes " +
                          rounded(median(processor)) + " us of processor time per event",
         .ratio = median(ratio)});
  if (plan.gateways == 1) return;
  print({.figure = "a new lane in the gate, " + where + std::to_string(plan.gateways) + " gateways",
         .value = median(opening),
         .unit = "us",
         .limit_or_peer = "once for each lane and epoch",
         .ratio = std::nullopt});
}

void measure(Arguments arguments) {
  const long rounds = arguments.number("rounds", 3);
  ProjectionPlan plan;
  plan.events = static_cast<std::size_t>(arguments.number("events", 300'000));
  plan.batch = static_cast<std::size_t>(arguments.number("batch", 500));
  const auto streams = arguments.numbers("streams", {1000, 100'000});
  const auto gateways = static_cast<std::size_t>(arguments.number("gateways", 1000));
  Places places(arguments.text("dir", std::filesystem::temp_directory_path().string()));
  arguments.finish();

  for (const auto dialect : {projection::Dialect::kSqlite, projection::Dialect::kPostgres}) {
    for (const std::size_t some : streams) {
      plan.streams = some;
      plan.gateways = 1;
      compare(dialect, plan, rounds, places);
    }
    plan.streams = streams.front();
    plan.gateways = gateways;
    compare(dialect, plan, rounds, places);
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  sluice::bench::measure({count, words});
}
