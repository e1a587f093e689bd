// SPDX-License-Identifier: Apache-2.0
// Log append beside a plain C loop on SQLite: 250-byte events, 100 per commit, FULL; on an empty
// log and on retained events, with UUIDv7 and with random ids.
//
//     append_bench [--rounds=5] [--events=50000] [--retained=2000000] [--keep=FOLDER]
//
// Rounds of the two take turns, so that noise of the machine hits both.
#include <future>

#include "bench/filled_log.hpp"
#include "bench/plain_log.hpp"
#include "bench/report.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kBatch = 100;

struct Plan {
  long rounds = 0;
  std::uint64_t events = 0;
};

struct Rates {
  std::vector<double> ours, plain, bare;
};

// One commit of 100 events at a time; the next 100 are made while it runs, as a client would.
double append_rate(OpenLog& log, Workload& workload, std::uint64_t events) {
  const Stopwatch watch;
  auto batch = workload.next_batch(kBatch);
  for (std::uint64_t done = 0; done < events; done += kBatch) {
    std::promise<void> committed;
    log->append({std::move(batch)}, [&](core::Result<std::vector<storage::Appended>> result) {
      if (!result) give_up(result.error());
      committed.set_value();
    });
    batch = workload.next_batch(kBatch);
    committed.get_future().wait();
  }
  return static_cast<double>(events) / watch.seconds();
}

double plain_rate(PlainLog& log, Workload& workload, std::uint64_t events) {
  std::string body = encoded_body(70'000, {}, workload.data());
  const Stopwatch watch;
  for (std::uint64_t done = 0; done < events; done += kBatch) {
    log.begin();
    for (std::size_t i = 0; i < kBatch; ++i) log.insert(workload.next_id(), body);
    log.commit();
  }
  return static_cast<double>(events) / watch.seconds();
}

void report(const std::string& where, Ids ids, const Rates& rates, bool is_target) {
  const double ours = median(rates.ours);
  const double plain = median(rates.plain);
  const std::string kind = ids == Ids::kV7 ? "UUIDv7" : "random ids";
  Figure figure{"log append, batch 100, " + where + ", " + kind, ours, "events/s",
                "plain C loop with an index on id: " + rounded(plain) + " events/s", ours / plain};
  if (is_target) figure.at_least = 0.7;
  print(figure);
  const double bare = median(rates.bare);
  print({figure.figure + " (bare)", ours, "events/s",
         "plain C loop that knows no ids: " + rounded(bare) + " events/s", ours / bare});
}

void on_empty(const Plan& plan, Ids ids) {
  Rates rates;
  Workload workload(ids);
  for (long round = 0; round < plan.rounds; ++round) {
    const test::TempDir folder;
    OpenLog log(folder / "log");
    PlainLog plain(folder / "plain.db", true);
    PlainLog bare(folder / "bare.db", false);
    rates.ours.push_back(append_rate(log, workload, plan.events));
    rates.plain.push_back(plain_rate(plain, workload, plan.events));
    rates.bare.push_back(plain_rate(bare, workload, plan.events));
  }
  report("empty log", ids, rates, ids == Ids::kV7);
}

void on_retained(const Plan& plan, Ids ids, std::uint64_t retained) {
  Rates rates;
  Workload workload(ids);
  const test::TempDir folder;
  OpenLog log(folder / "log");
  PlainLog plain(folder / "plain.db", true);
  PlainLog bare(folder / "bare.db", false);
  log.fill(retained, workload);
  plain.fill(retained, ids == Ids::kRandom);
  bare.fill(retained, ids == Ids::kRandom);
  for (long round = 0; round < plan.rounds; ++round) {
    rates.ours.push_back(append_rate(log, workload, plan.events));
    rates.plain.push_back(plain_rate(plain, workload, plan.events));
    rates.bare.push_back(plain_rate(bare, workload, plan.events));
  }
  report(std::to_string(retained) + " retained events", ids, rates, ids == Ids::kV7);
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const Plan plan{arguments.number("rounds", 5),
                  static_cast<std::uint64_t>(arguments.number("events", 50'000))};
  const auto retained = static_cast<std::uint64_t>(arguments.number("retained", 2'000'000));
  arguments.finish();
  for (const Ids ids : {Ids::kV7, Ids::kRandom}) {
    on_empty(plan, ids);
    if (retained > 0) on_retained(plan, ids, retained);
  }
}
