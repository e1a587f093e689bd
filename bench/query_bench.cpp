// SPDX-License-Identifier: Apache-2.0
// A read model under a live load, all programs real (sluiced, sluice-uplink, nats-server,
// sluice-hub with SQLite): how long a query takes, and how long from a device's append until a
// reader sees the row that it made.
//
//     query_bench [--rate=1000] [--seconds=20]
#include <atomic>
#include <thread>

#include "bench/gateway.hpp"
#include "bench/hub.hpp"
#include "bench/report.hpp"
#include "bench/workload.hpp"
#include "http/client.hpp"
#include "rpc/blocking_client.hpp"
#include "rpc/value.hpp"
#include "tests/hub/hub_program.hpp"

namespace sluice::bench {
namespace {

constexpr const char* kModel = R"(
model = "pumps"
version = 1
[table.latest]
key = { gateway = "$gateway", pump = "$entity" }
columns = { n = { type = "int", default = 0 }, value = "real", at = "time" }
[[table.latest.on]]
type = "Measured"
inc = { n = 1 }
latest = { value = ".value", at = "$time" }
)";
constexpr long kBatch = 10;

// A device that appends at a steady rate until it is let go.
class Load {
 public:
  Load(const Gateway& gateway, long rate)
      : client_(need(rpc::BlockingClient::connect(gateway.socket()))),
        thread_([this, rate] { run(rate); }) {}
  ~Load() {
    stopping_ = true;
    thread_.join();
  }

 private:
  void run(long rate) {
    Workload workload(Ids::kV7);
    auto next = std::chrono::steady_clock::now();
    while (!stopping_) {
      need(client_.call("append", workload.next_params(kBatch, false)));
      next += std::chrono::nanoseconds(1'000'000'000 * kBatch / rate);
      std::this_thread::sleep_until(next);
    }
  }
  rpc::BlockingClient client_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

http::Client reader(const test::HubProgram& hub) {
  return http::Client(need(http::Endpoint::parse(hub.address())));
}

void ask(http::Client& client, const std::string& target) {
  const auto answer = need(client.get(target));
  if (answer.status != 200) give_up(target + ": " + answer.body);
}

std::vector<double> query_times(const test::HubProgram& hub, const std::string& target,
                                double seconds) {
  http::Client client = reader(hub);
  std::vector<double> times;
  for (const Stopwatch all; all.seconds() < seconds;) {
    const Stopwatch one;
    ask(client, target);
    times.push_back(one.seconds() * 1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return times;
}

// From before the append to the answer that has its row; and the append alone.
void read_own_writes(const Gateway& gateway, const test::HubProgram& hub, double seconds,
                     std::vector<double>& times, std::vector<double>& appends) {
  auto device = need(rpc::BlockingClient::connect(gateway.socket()));
  http::Client client = reader(hub);
  Workload workload(Ids::kV7);
  for (const Stopwatch all; all.seconds() < seconds;) {
    const Stopwatch one;
    const auto answer = need(device.call("append", workload.next_params(1, false)));
    appends.push_back(one.seconds() * 1000);
    const auto token = rpc::Value::trusted(answer).at(0).find("token").text();
    if (!token) give_up("an append without a token");
    ask(client, "/v1/models/pumps/latest?limit=1&wait=8s&after=" + std::string(*token));
    times.push_back(one.seconds() * 1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void run(long rate, double seconds) {
  Hub nats;
  nats.make_stream();
  Gateway gateway({.nats_url = nats.url()});
  gateway.start();
  gateway.start_uplink();
  test::HubProgram::Options options;
  options.model = kModel;
  const test::HubProgram hub(nats.url(), options);
  const std::string page = "/v1/models/pumps/latest?limit=100";
  const std::string per_second = std::to_string(rate) + " events/s";
  {
    const Load first(gateway, rate);  // until all rows are there
    std::this_thread::sleep_for(std::chrono::seconds(3));
  }
  const auto quiet = query_times(hub, page, seconds / 2);
  std::vector<double> busy;
  std::vector<double> sorted;
  std::vector<double> own;
  std::vector<double> appends;
  {
    const Load load(gateway, rate);
    busy = query_times(hub, page, seconds);
    sorted = query_times(hub, page + "&order=-value&count=true", seconds / 2);
    read_own_writes(gateway, hub, seconds, own, appends);
  }
  print(
      {"query of 100 rows under " + per_second + ", p99", percentile(busy, 99), "ms",
       "without load " + rounded(percentile(quiet, 99)) + ", p50 " + rounded(percentile(busy, 50)),
       percentile(busy, 99) / percentile(quiet, 99)});
  print({"query of 100 of 1,000 rows, sorted and counted, under " + per_second + ", p99",
         percentile(sorted, 99),
         "ms",
         "p50 " + rounded(percentile(sorted, 50)),
         {}});
  const std::string alone = "the append alone " + rounded(percentile(appends, 50));
  print({"from append to visible row under " + per_second + ", p50", percentile(own, 50), "ms",
         alone, percentile(own, 50) / percentile(appends, 50)});
  print({"from append to visible row under " + per_second + ", p99", percentile(own, 99), "ms",
         "the append alone " + rounded(percentile(appends, 99)),
         percentile(own, 99) / percentile(appends, 99)});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const long rate = arguments.number("rate", 1000);
  const auto seconds = static_cast<double>(arguments.number("seconds", 20));
  arguments.finish();
  run(rate, seconds);
}
