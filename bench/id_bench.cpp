// SPDX-License-Identifier: Apache-2.0
// What it costs to know a device's retry: appends with random ids (UUIDv4) beside appends with
// ascending ones (UUIDv7) and retries of known events, all on one log, at several sizes of it.
//
//     id_bench [--rounds=5] [--events=20000] [--retained=2000000] [--grow-to=0]
//
// The log is filled with random ids to --retained, measured, filled to --grow-to and measured
// again. Rounds of the three take turns, so that noise of the machine hits all.
#include <sys/resource.h>

#include <future>

#include "bench/filled_log.hpp"
#include "bench/report.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kBatch = 100;

using Batches = std::vector<std::vector<storage::NewEvent>>;

Batches make(Workload& workload, std::uint64_t events) {
  Batches batches;
  for (std::uint64_t made = 0; made < events; made += kBatch)
    batches.push_back(workload.next_batch(kBatch));
  return batches;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

struct Series {
  std::vector<double> rate, cpu_us;  // events per second; processor time per event, all threads
  void run(OpenLog& log, const Batches& batches) {
    const double cpu = cpu_seconds();
    const Stopwatch watch;
    for (const auto& batch : batches) log.append(batch);
    const auto events = static_cast<double>(batches.size() * kBatch);
    rate.push_back(events / watch.seconds());
    cpu_us.push_back((cpu_seconds() - cpu) * 1e6 / events);
  }
};

void measure(OpenLog& log, Workload& ordered, Workload& random, long rounds, std::uint64_t events,
             std::uint64_t retained, const Batches& early) {
  Series with_ordered, with_random, retries;
  for (long round = 0; round < rounds; ++round) {
    const Batches ascending = make(ordered, events);
    const Batches scattered = make(random, events);
    with_ordered.run(log, ascending);
    with_random.run(log, scattered);
    retries.run(log, early);
  }
  const std::string where = ", batch 100, " + std::to_string(retained) + " retained events";
  const double base = median(with_ordered.rate);
  const double rate = median(with_random.rate);
  Figure figure{"log append with random ids" + where, rate, "events/s",
                "with UUIDv7: " + rounded(base) + " events/s", rate / base};
  figure.at_least = 0.7;
  print(figure);
  const double cpu = median(with_random.cpu_us);
  const double base_cpu = median(with_ordered.cpu_us);
  print({"processor time per event, random ids" + where, cpu, "us",
         "with UUIDv7: " + rounded(base_cpu) + " us", cpu / base_cpu});
  print({"retries of the oldest events recognised" + where, median(retries.rate), "events/s", "",
         std::nullopt});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const long rounds = arguments.number("rounds", 5);
  const auto events = static_cast<std::uint64_t>(arguments.number("events", 20'000));
  const auto retained = static_cast<std::uint64_t>(arguments.number("retained", 2'000'000));
  const auto grow_to = static_cast<std::uint64_t>(arguments.number("grow-to", 0));
  arguments.finish();
  const sluice::test::TempDir folder;
  OpenLog log(folder / "log");
  Workload ordered(Ids::kV7);
  Workload random(Ids::kRandom);
  // The oldest events are sent again later: as far from the active segment as can be.
  const Batches early = make(random, 2'000);
  for (const auto& batch : early) log.append(batch);
  log.fill(retained, random);
  measure(log, ordered, random, rounds, events, retained, early);
  if (grow_to <= retained) return 0;
  log.fill(grow_to - retained, random);
  measure(log, ordered, random, rounds, events, grow_to, early);
}
