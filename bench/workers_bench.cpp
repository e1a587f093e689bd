// SPDX-License-Identifier: Apache-2.0
// A backlog of ten shards is read into one model in PostgreSQL, by one sluice-hub and by two that
// share the shards, taking turns. Beside the rates stands who had the processors: the database, its
// clients and the hub streams' server share this one machine.
//
//     workers_bench [--rounds=3] [--shards=10] [--events=20000]     (events of each shard)
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/report.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using test::HubProgram;
using test::TestPublisher;

constexpr std::chrono::milliseconds kLimit = 10min;

std::string shard(long i) {
  return "s" + std::to_string(i);
}

// Seconds of processor time since its start.
double cpu_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  std::istringstream words(text.substr(text.rfind(')') + 1));
  std::string word;
  double ticks = 0;
  for (int field = 3; field <= 15 && words >> word; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Seconds that all processors were at work since the machine's start.
double busy_of_machine() {
  std::ifstream in("/proc/stat");
  std::string word;
  in >> word;  // "cpu"
  double ticks = 0;
  for (int field = 0; field < 8 && in >> word; ++field)
    if (field != 3 && field != 4) ticks += std::stod(word);  // not idle, not waiting for a disk
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Drain {
  double rate = 0;      // events/s
  double busy = 0;      // processors, of all that the machine has
  double hubs = 0;      // of these, the sluice-hub processes
  double database = 0;  // and all else: PostgreSQL, nats-server
};

class Site {
 public:
  Site(long shards, long events) : shards_(shards), events_(events) {
    for (long i = 0; i < shards_; ++i) {
      publisher_.make_hub_stream(shard(i));
      publisher_.epoch_opened(lane(i), 1);
    }
    publisher_.request("$JS.API.STREAM.CREATE.KV_SLUICE-LEASES",
                       R"({"name":"KV_SLUICE-LEASES","subjects":["$KV.SLUICE-LEASES.>"],)"
                       R"("storage":"file","max_msgs_per_subject":1,"discard":"new",)"
                       R"("allow_rollup_hdrs":true})");
  }

  Drain drain(std::size_t workers) {
    std::vector<std::unique_ptr<HubProgram>> hubs;
    for (std::size_t i = 0; i < workers; ++i) hubs.push_back(worker(i));
    if (!test::eventually([&] { return shared(hubs); }, kLimit))
      give_up("the workers do not share the shards:\n" + hubs.front()->log());
    // They stand still with their leases while the backlog is made.
    for (const auto& hub : hubs) hub->process().signal(SIGSTOP);
    for (long i = 0; i < shards_; ++i)
      publisher_.events(lane(i), 2, static_cast<core::Seq>(events_) + 1);
    double cpu = 0;
    for (const auto& hub : hubs) cpu -= cpu_of(hub->process().pid());
    double busy = -busy_of_machine();
    const Stopwatch watch;
    for (const auto& hub : hubs) hub->process().signal(SIGCONT);
    while (applied() < shards_ * (events_ + 1)) {
      if (watch.seconds() > std::chrono::duration<double>(kLimit).count())
        give_up("events are missing:\n" + hubs.front()->log());
      std::this_thread::sleep_for(50ms);
    }
    const double seconds = watch.seconds();
    busy += busy_of_machine();
    for (const auto& hub : hubs) cpu += cpu_of(hub->process().pid());
    if (!shared(hubs)) give_up("the shards changed hands meanwhile");
    return {static_cast<double>(shards_ * events_) / seconds, busy / seconds, cpu / seconds,
            (busy - cpu) / seconds};
  }

 private:
  static TestPublisher::Lane lane(long i) { return {shard(i), "gateway-" + std::to_string(i)}; }
  std::unique_ptr<HubProgram> worker(std::size_t number) {
    std::string shards;
    for (long i = 0; i < shards_; ++i) shards += (i == 0 ? "\"" : ", \"") + shard(i) + "\"";
    HubProgram::Options options;
    options.model = "target = \"postgres\"\n" + std::string(test::kPumpsModel);
    options.more = "shards = [" + shards + "]\nworkers = true\nworker = \"w" +
                   std::to_string(number) + "\"\nlease_ttl = \"2min\"\npostgres = \"" +
                   postgres_.conninfo() + "\"\n";
    return std::make_unique<HubProgram>(server_.url(), options);
  }
  // Each reads as many as any other, give or take one, and all shards are read.
  bool shared(const std::vector<std::unique_ptr<HubProgram>>& hubs) const {
    long sum = 0;
    for (const auto& hub : hubs) {
      const long here =
          static_cast<long>(hub->metric("sluice_hub_workers")) == static_cast<long>(hubs.size())
              ? reads(*hub)
              : 0;
      if (here < shards_ / static_cast<long>(hubs.size())) return false;
      sum += here;
    }
    return sum == shards_;
  }
  static long reads(const HubProgram& hub) {
    const auto document = hub.json("/v1/workers");
    long count = 0;
    for (const auto& one : document.at("shards").as_array())
      count += one.as_object().at("here").as_bool() ? 1 : 0;
    return count;
  }
  long applied() const {
    const std::string sum =
        postgres_.query("SELECT coalesce(sum(applied), 0) FROM pumps__v1._sluice_totals");
    return std::stol(sum);
  }

  const long shards_;
  const long events_;
  test::NatsServer server_;
  test::PostgresServer postgres_;
  TestPublisher publisher_{server_.url()};
};

void measure(Arguments arguments) {
  const long rounds = arguments.number("rounds", 3);
  const long shards = arguments.number("shards", 10);
  const long events = arguments.number("events", 20'000);
  arguments.finish();
  std::vector<double> rates[2];
  std::vector<double> busy[2];
  std::vector<double> hubs[2];
  std::vector<double> rest[2];
  for (long round = 0; round < rounds; ++round)
    for (std::size_t workers : {std::size_t{1}, std::size_t{2}}) {
      Site site(shards, events);
      const Drain one = site.drain(workers);
      rates[workers - 1].push_back(one.rate);
      busy[workers - 1].push_back(one.busy);
      hubs[workers - 1].push_back(one.hubs);
      rest[workers - 1].push_back(one.database);
    }
  const std::string size = std::to_string(shards) + " shards of " + std::to_string(events) +
                           " events each, into PostgreSQL, on " +
                           std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " processors";
  const double first = median(rates[0]);
  const double second = median(rates[1]);
  const auto shares = [&](int at) {
    return rounded(median(busy[at])) + " processors at work: sluice-hub " +
           rounded(median(hubs[at])) + ", PostgreSQL and nats-server " + rounded(median(rest[at]));
  };
  print({.figure = "one worker reads " + size,
         .value = first,
         .unit = "events/s",
         .limit_or_peer = shares(0),
         .ratio = std::nullopt});
  print({.figure = "two workers share the same",
         .value = second,
         .unit = "events/s",
         .limit_or_peer = "one worker: " + rounded(first) + " events/s; " + shares(1),
         .ratio = second / first});
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** words) {
  sluice::bench::measure({count, words});
}
