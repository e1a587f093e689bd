// SPDX-License-Identifier: Apache-2.0
// A slow card: 5 and 20 ms added to each sync of the log's files. Acknowledged events/s from 1, 10
// and 100 writers that each wait for their answer, beside syncs/s times writers.
//
//     slow_sync_bench [--seconds=4]
#include <atomic>
#include <thread>

#include "bench/filled_log.hpp"
#include "bench/raw_sync.hpp"
#include "bench/report.hpp"
#include "sqlite/fault_vfs.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::bench {
namespace {

using sqlite::FaultVfs;
using std::chrono::milliseconds;

std::atomic<long> delay_ms{0};

FaultVfs::Fault slow(FaultVfs::Operation operation, std::string_view) {
  if (operation == FaultVfs::Operation::kSync)
    std::this_thread::sleep_for(milliseconds(delay_ms.load()));
  return FaultVfs::Fault::kNone;
}

double acknowledged_rate(OpenLog& log, int writers, double seconds) {
  std::atomic<std::uint64_t> acknowledged{0};
  const Stopwatch watch;
  std::vector<std::jthread> threads;
  for (int i = 0; i < writers; ++i)
    threads.emplace_back([&] {
      Workload workload(Ids::kV7);
      while (watch.seconds() < seconds) {
        log.append(workload.next_batch(1));
        ++acknowledged;
      }
    });
  threads.clear();
  return static_cast<double>(acknowledged) / watch.seconds();
}

// Of a card that is `delay` slower than this disk.
double sync_rate(RawSync& file, double seconds) {
  const Stopwatch watch;
  double syncs = 0;
  for (; watch.seconds() < seconds; ++syncs) {
    file.write();
    std::this_thread::sleep_for(milliseconds(delay_ms.load()));
  }
  return syncs / watch.seconds();
}

void measure(long delay, double seconds) {
  const test::TempDir folder;
  delay_ms = 0;
  OpenLog log(folder / "log", "slow");
  RawSync file(folder / "raw");
  delay_ms = delay;
  for (const int writers : {1, 10, 100}) {
    const double syncs = (sync_rate(file, seconds / 4) + sync_rate(file, seconds / 4)) / 2;
    const double rate = acknowledged_rate(log, writers, seconds);
    const double limit = syncs * writers;
    print({"acknowledged events, " + std::to_string(delay) + " ms added to each sync, " +
               std::to_string(writers) + (writers == 1 ? " writer" : " writers"),
           rate, "events/s",
           rounded(syncs) + " syncs/s x " + std::to_string(writers) + ": " + rounded(limit) +
               " events/s",
           rate / limit});
  }
  delay_ms = 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const auto seconds = static_cast<double>(arguments.number("seconds", 4));
  arguments.finish();
  const sluice::sqlite::FaultVfs vfs("slow", slow);
  for (const long delay : {5L, 20L}) measure(delay, seconds);
}
