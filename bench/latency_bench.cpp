// SPDX-License-Identifier: Apache-2.0
// One append at a time through the ingest socket, 500 a second, commit interval 0: with the hub up,
// with it gone, and beside one raw fdatasync of 4 KiB.
//
//     latency_bench [--rounds=100] [--appends=50]
//
// Two gateways, one with a hub and one without, and the raw file take turns, a tenth of a second
// each.
#include <thread>

#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/raw_sync.hpp"
#include "bench/report.hpp"
#include "bench/workload.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::bench {
namespace {

constexpr std::chrono::microseconds kPace{2000};  // 500 a second

template <class Act>
void paced(long times, std::vector<double>& seconds, Act&& act) {
  auto next = std::chrono::steady_clock::now();
  for (long i = 0; i < times; ++i) {
    std::this_thread::sleep_until(next);
    seconds.push_back(act());
    next = std::max(next + kPace, std::chrono::steady_clock::now());
  }
}

double append(rpc::BlockingClient& client, Workload& workload) {
  const std::string params = workload.next_params(1, false);
  const Stopwatch watch;
  need(client.call("append", params));
  return watch.seconds();
}

void report(const std::string& where, const std::vector<double>& ours,
            const std::vector<double>& raw) {
  for (const double percent : {50.0, 99.0}) {
    const double mine = 1e3 * percentile(ours, percent);
    const double limit = 1e3 * percentile(raw, percent);
    const std::string p = "p" + rounded(percent);
    print({"append at 500/s, " + where + ", " + p, mine, "ms",
           "raw fdatasync of 4 KiB, " + p + ": " + rounded(limit) + " ms", mine / limit});
  }
}

void run(long rounds, long appends) {
  Hub hub;
  Gateway linked({.nats_url = hub.url()});
  Gateway alone;
  for (Gateway* gateway : {&linked, &alone}) {
    gateway->start();
    gateway->start_uplink();
  }
  auto to_linked = need(rpc::BlockingClient::connect(linked.socket()));
  auto to_alone = need(rpc::BlockingClient::connect(alone.socket()));
  hub.wait_for(4, 60);  // the EpochOpened of each lane: the link is up
  const test::TempDir folder;
  RawSync file(folder / "raw");
  Workload workload(Ids::kV7);
  std::vector<double> with_hub, without, raw;
  for (long round = 0; round < rounds; ++round) {
    paced(appends, with_hub, [&] { return append(to_linked, workload); });
    paced(appends, raw, [&] { return file.write(); });
    paced(appends, without, [&] { return append(to_alone, workload); });
    paced(appends, raw, [&] { return file.write(); });
  }
  hub.wait_for(4 + with_hub.size(), 60);
  report("hub up", with_hub, raw);
  report("hub gone", without, raw);
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const long rounds = arguments.number("rounds", 100);
  const long appends = arguments.number("appends", 50);
  arguments.finish();
  run(rounds, appends);
}
