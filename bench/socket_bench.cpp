// SPDX-License-Identifier: Apache-2.0
// sluiced through its Unix socket with 8 pipelined clients, beside the log append within a process.
//
//     socket_bench [--rounds=5] [--events=80000]
//
// Server, clients and the log's writer share the processors.
#include <latch>
#include <thread>

#include "bench/filled_log.hpp"
#include "bench/gateway.hpp"
#include "bench/report.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::bench {
namespace {

constexpr int kClients = 8;
constexpr std::size_t kBatch = 100;

// Requests as they go over the socket, made before the clock starts.
std::vector<std::string> requests_of(std::size_t events, std::size_t per_append) {
  Workload workload(Ids::kV7);
  std::vector<std::string> requests;
  for (std::size_t made = 0; made < events; made += per_append)
    requests.push_back(workload.next_params(per_append, true));
  return requests;
}

void send_all(rpc::BlockingClient& client, const std::vector<std::string>& requests,
              std::size_t in_flight) {
  std::size_t open = 0;
  for (std::size_t sent = 0; sent < requests.size() || open > 0;) {
    while (open < in_flight && sent < requests.size()) {
      need(client.send("append", requests[sent++]));
      ++open;
    }
    const auto answer = need(client.receive());
    if (!answer.body) give_up(answer.body.error());
    --open;
  }
}

double socket_rate(const Gateway& gateway, std::size_t events, std::size_t per_append,
                   std::size_t in_flight) {
  std::vector<rpc::BlockingClient> clients;
  std::vector<std::vector<std::string>> requests;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(need(rpc::BlockingClient::connect(gateway.socket())));
    requests.push_back(requests_of(events / kClients, per_append));
  }
  const Stopwatch watch;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kClients; ++i)
    threads.emplace_back([&, i] { send_all(clients[i], requests[i], in_flight); });
  threads.clear();
  return static_cast<double>(events) / watch.seconds();
}

double log_rate(OpenLog& log, std::size_t events) {
  Workload workload(Ids::kV7);
  const Stopwatch watch;
  for (std::size_t done = 0; done < events; done += kBatch) log.append(workload.next_batch(kBatch));
  return static_cast<double>(events) / watch.seconds();
}

void run(long rounds, std::size_t events) {
  Gateway gateway;
  gateway.start();
  const test::TempDir folder;
  OpenLog log(folder / "log");
  std::vector<double> single, batched, within;
  for (long round = 0; round < rounds; ++round) {
    within.push_back(log_rate(log, events));
    single.push_back(socket_rate(gateway, events, 1, 128));
    within.push_back(log_rate(log, events));
    batched.push_back(socket_rate(gateway, events, kBatch, 4));
  }
  const double peer = median(within);
  const std::string words = "log append, batch 100: " + rounded(peer) + " events/s";
  print({"through the Unix socket, 8 pipelined clients, 1 event per append", median(single),
         "events/s", words, median(single) / peer, 0.4});
  print({"through the Unix socket, 8 pipelined clients, 100 events per append", median(batched),
         "events/s", words, median(batched) / peer});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** values) {
  using namespace sluice::bench;
  Arguments arguments(count, values);
  const long rounds = arguments.number("rounds", 5);
  const auto events = static_cast<std::size_t>(arguments.number("events", 80'000));
  arguments.finish();
  run(rounds, events);
}
