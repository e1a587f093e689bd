// SPDX-License-Identifier: Apache-2.0
// Which worker has which shard: the sharing out, and the machine that every worker runs, in a
// simulation with clocks of their own, lost answers and workers that stand still.
#include "hub/lease/lease_machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "core/random.hpp"
#include "hub/lease/assignment.hpp"

namespace sluice::hub {
namespace {

using namespace std::chrono_literals;
using Owners = std::map<std::string, std::string>;

Owners ten(const std::string& owner = {}) {
  Owners out;
  for (int i = 0; i < 10; ++i) out["s" + std::to_string(i)] = owner;
  return out;
}

std::vector<std::size_t> loads(const Owners& owners, const std::set<std::string>& workers) {
  std::vector<std::size_t> out;
  for (const std::string& worker : workers)
    out.push_back(static_cast<std::size_t>(std::count_if(
        owners.begin(), owners.end(), [&](const auto& one) { return one.second == worker; })));
  std::sort(out.rbegin(), out.rend());
  return out;
}

std::size_t moves(const Owners& before, const Owners& after) {
  std::size_t count = 0;
  for (const auto& [shard, owner] : before) count += !owner.empty() && after.at(shard) != owner;
  return count;
}

TEST(Assignment, TenShardsOverThreeWorkersAreFourThreeThree) {
  const std::set<std::string> three{"a", "b", "c"};
  EXPECT_EQ(loads(assign(ten(), three), three), (std::vector<std::size_t>{4, 3, 3}));
  EXPECT_EQ(loads(assign(ten(), {"a"}), {"a"}), (std::vector<std::size_t>{10}));
  for (const auto& [shard, owner] : assign(ten("a"), {})) EXPECT_EQ(owner, "");
}

TEST(Assignment, JoiningAndLeavingMoveTheFewest) {
  const std::set<std::string> three{"a", "b", "c"};
  const std::set<std::string> four{"a", "b", "c", "d"};
  const Owners settled = assign(ten(), three);
  EXPECT_EQ(assign(settled, three), settled);
  const Owners joined = assign(settled, four);
  EXPECT_EQ(loads(joined, four), (std::vector<std::size_t>{3, 3, 2, 2}));
  EXPECT_EQ(moves(settled, joined), 2u);  // all that d has
  const Owners left = assign(joined, three);
  EXPECT_EQ(moves(joined, left), 2u);  // only what d had
}

// Random histories: balanced, and no fewer moves are possible.
TEST(Assignment, IsBalancedWithTheFewestMovesWhateverCameBefore) {
  core::SeededRandom random(7);
  for (int run = 0; run < 2000; ++run) {
    Owners owners;
    const std::uint64_t shards = 1 + random.below(12);
    for (std::uint64_t i = 0; i < shards; ++i)
      owners["s" + std::to_string(i)] =
          std::vector<std::string>{"", "a", "b", "c", "gone"}[random.below(5)];
    std::set<std::string> workers;
    for (const std::string worker : {"a", "b", "c", "d"})
      if (random.below(3) != 0) workers.insert(worker);
    if (workers.empty()) continue;
    const Owners after = assign(owners, workers);
    const auto load = loads(after, workers);
    EXPECT_LE(load.front() - load.back(), 1u);
    // The fewest: the workers that have most keep the parts that are one larger.
    auto now = loads(owners, workers);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < now.size(); ++i)
      kept += std::min(now[i], shards / workers.size() + (i < shards % workers.size() ? 1 : 0));
    std::size_t stayed = 0;
    for (const auto& [shard, owner] : owners)
      stayed += workers.contains(owner) && after.at(shard) == owner;
    EXPECT_EQ(stayed, kept);
  }
}

TEST(LeaseValue, ReadsBackAndRefusesOthers) {
  const LeaseValue value{"w1", "abc", 7, 10s, 1'234'567'890'123'456'789};
  EXPECT_EQ(*parse_lease(lease_text(value)), value);
  EXPECT_EQ(parse_lease(R"({"worker":"a","session":"","beat":1,"ttl_ms":1})")->token, 0u)
      << "of a version that did not write it";
  for (const std::string text : {"", "[]", "{}", R"({"worker":1,"session":"","beat":1,"ttl_ms":1})",
                                 R"({"worker":"a","session":"","beat":-1,"ttl_ms":1})"})
    EXPECT_FALSE(parse_lease(text)) << text;
}

TEST(LeaseValue, ATokenNeverGoesBackWithANewBucket) {
  const std::int64_t created = 1'790'000'000'000'000'000;
  EXPECT_LT(fencing_token(created, 5), fencing_token(created, 6));
  EXPECT_LT(fencing_token(created, 1'000'000'000), fencing_token(created + 60'000'000'000, 1));
  EXPECT_LT(fencing_token(created, UINT64_MAX), std::uint64_t{INT64_MAX});
}

// A bucket as JetStream keeps it, and workers around it.
class Simulation {
 public:
  static constexpr std::uint64_t kTickNs = 50'000'000;
  static constexpr std::uint64_t kTtlNs = 2'000'000'000;
  struct Worker {
    std::unique_ptr<LeaseMachine> machine;
    std::string name;
    std::uint64_t clock_ns = 0;  // its own monotonic time
    double rate = 1.0;
    std::uint64_t seen = 0;  // revisions up to here were shown
    std::set<std::string> reading;
    std::map<std::string, std::uint64_t> stopping;  // shard -> when its feed has ended
    bool alive = true;
    bool paused = false;
    bool was_paused = false;
  };
  struct Key {
    std::string key;
    LeaseValue value;
    std::uint64_t revision;
  };

  explicit Simulation(std::uint64_t seed) : random_(seed) {}

  Worker& start(const std::string& name) {
    auto worker = std::make_unique<Worker>();
    worker->name = name;
    worker->clock_ns = random_.below(1'000'000) * 1'000'000'000;
    worker->rate = 1.0 + (static_cast<double>(random_.below(100)) - 50) / 10'000;  // 0.5 %
    std::vector<std::string> shards;
    for (int i = 0; i < 10; ++i) shards.push_back("s" + std::to_string(i));
    worker->machine = std::make_unique<LeaseMachine>(
        LeaseMachine::Settings{name, std::to_string(random_.next()), 2000ms}, shards);
    worker->machine->look_anew(1'790'000'000'000'000'000);
    workers.push_back(std::move(worker));
    return *workers.back();
  }

  void show(Worker& worker) {
    for (const auto& [key, entry] : bucket_)
      if (entry.revision > worker.seen) {
        if (key.starts_with("w/"))
          worker.machine->saw_worker(key.substr(2), entry.value, entry.revision, worker.clock_ns);
        else
          worker.machine->saw_shard(key, entry.value, entry.revision, worker.clock_ns);
      }
    worker.seen = revision_;
    worker.machine->seen_all();
  }

  void act(Worker& worker, const LeaseMachine::Action& action) {
    using Kind = LeaseMachine::Action::Kind;
    if (action.kind == Kind::kStart) {
      EXPECT_FALSE(worker.reading.contains(action.shard));
      worker.reading.insert(action.shard);
      EXPECT_GT(action.token, tokens_[action.shard]) << "a token must be above all before it";
      tokens_[action.shard] = action.token;
      starts[action.shard] += 1;
      check_alone(action.shard);
      return;
    }
    if (action.kind == Kind::kStop) {
      if (worker.reading.contains(action.shard) && !worker.stopping.contains(action.shard))
        worker.stopping[action.shard] = worker.clock_ns + random_.below(150) * 1'000'000;
      return;
    }
    const std::string key = action.kind == Kind::kWriteWorker ? "w/" + worker.name : action.shard;
    using Outcome = LeaseMachine::Outcome;
    if (random_.below(100) < loss_percent) {  // the question is lost
      worker.machine->wrote(action, Outcome::kUnknown, 0, worker.clock_ns);
      return;
    }
    const auto found = bucket_.find(key);
    if ((found == bucket_.end() ? 0 : found->second.revision) != action.expected) {
      worker.machine->wrote(action, Outcome::kConflict, 0, worker.clock_ns);
      return;
    }
    bucket_[key] = {key, action.value, ++revision_};
    if (random_.below(100) < loss_percent)  // the answer is lost
      worker.machine->wrote(action, Outcome::kUnknown, 0, worker.clock_ns);
    else
      worker.machine->wrote(action, Outcome::kTaken, revision_, worker.clock_ns);
  }

  // Nobody reads what another reads, but for one that stood still: that is the fence's work.
  void check_alone(const std::string& shard) {
    int readers = 0;
    for (const auto& worker : workers)
      readers += worker->alive && !worker->was_paused && worker->reading.contains(shard);
    EXPECT_LE(readers, 1) << shard;
  }

  void tick() {
    for (auto& worker : workers) {
      worker->clock_ns += static_cast<std::uint64_t>(static_cast<double>(kTickNs) * worker->rate);
      if (!worker->alive || worker->paused) continue;
      for (auto at = worker->stopping.begin(); at != worker->stopping.end();) {
        if (worker->clock_ns < at->second) {
          ++at;
          continue;
        }
        worker->reading.erase(at->first);
        worker->machine->stopped(at->first);
        at = worker->stopping.erase(at);
      }
      if (random_.below(4) != 0) show(*worker);  // the watch lags now and then
      for (const auto& action : worker->machine->step(worker->clock_ns)) act(*worker, action);
      if (worker->was_paused && worker->stopping.empty()) worker->was_paused = false;
    }
  }
  void run(std::uint64_t ns) {
    for (std::uint64_t at = 0; at < ns; at += kTickNs) tick();
  }

  std::vector<std::size_t> reading() const {
    std::vector<std::size_t> out;
    for (const auto& worker : workers)
      if (worker->alive && !worker->paused) out.push_back(worker->reading.size());
    std::sort(out.rbegin(), out.rend());
    return out;
  }
  std::size_t total_starts() const {
    std::size_t out = 0;
    for (const auto& [shard, count] : starts) out += count;
    return out;
  }

  std::vector<std::unique_ptr<Worker>> workers;
  std::map<std::string, std::size_t> starts;
  std::uint64_t loss_percent = 0;
  core::SeededRandom& random() { return random_; }

 private:
  core::SeededRandom random_;
  std::map<std::string, Key> bucket_;
  std::uint64_t revision_ = 0;
  std::map<std::string, std::uint64_t> tokens_;
};

using Sizes = std::vector<std::size_t>;

TEST(LeaseMachine, WorkersShareOutAndGiveBackInOrder) {
  Simulation sim(1);
  sim.start("a");
  sim.run(5 * Simulation::kTtlNs);
  EXPECT_EQ(sim.reading(), (Sizes{10}));
  sim.start("b");
  sim.start("c");
  sim.run(5 * Simulation::kTtlNs);
  EXPECT_EQ(sim.reading(), (Sizes{4, 3, 3}));
  EXPECT_EQ(sim.total_starts(), 16u);  // ten, and six that moved
  sim.workers[0]->machine->leave();
  sim.run(2 * Simulation::kTtlNs);
  EXPECT_TRUE(sim.workers[0]->machine->has_left());
  EXPECT_EQ(sim.reading(), (Sizes{5, 5, 0}));
  EXPECT_EQ(sim.total_starts(), 20u);  // only what the one that left had
}

TEST(LeaseMachine, AHandOverTakesFarLessThanALeasesTime) {
  Simulation sim(2);
  sim.start("a");
  sim.start("b");
  sim.run(5 * Simulation::kTtlNs);
  sim.workers[0]->machine->leave();
  sim.run(Simulation::kTtlNs / 2);
  EXPECT_EQ(sim.workers[1]->reading.size(), 10u);
}

TEST(LeaseMachine, AKilledWorkersShardsGoOnAfterItsTime) {
  Simulation sim(3);
  for (const std::string name : {"a", "b", "c"}) sim.start(name);
  sim.run(5 * Simulation::kTtlNs);
  const std::size_t had = sim.workers[1]->reading.size();
  sim.workers[1]->alive = false;
  const std::size_t before = sim.total_starts();
  sim.run(Simulation::kTtlNs * 3 / 4);
  EXPECT_EQ(sim.total_starts(), before) << "a lease that may hold was taken";
  sim.run(2 * Simulation::kTtlNs);
  EXPECT_EQ(sim.reading(), (Sizes{5, 5}));
  EXPECT_EQ(sim.total_starts(), before + had);
}

TEST(LeaseMachine, ARestartedWorkerWaitsForItsOwnOldLeases) {
  Simulation sim(4);
  sim.start("a");
  sim.run(3 * Simulation::kTtlNs);
  sim.workers[0]->alive = false;
  auto& again = sim.start("a");
  sim.run(Simulation::kTtlNs * 3 / 4);
  EXPECT_TRUE(again.reading.empty());
  sim.run(3 * Simulation::kTtlNs);
  EXPECT_EQ(again.reading.size(), 10u);
  EXPECT_FALSE(again.machine->has_twin());
}

TEST(LeaseMachine, TheLaterOfTwoWithOneNameSaysSo) {
  Simulation sim(5);
  sim.start("a");
  sim.run(3 * Simulation::kTtlNs);
  auto& later = sim.start("a");
  sim.run(3 * Simulation::kTtlNs);
  EXPECT_TRUE(later.machine->has_twin());
  EXPECT_FALSE(sim.workers[0]->machine->has_twin());
  EXPECT_EQ(sim.workers[0]->reading.size(), 10u);
  EXPECT_TRUE(later.reading.empty());
}

TEST(LeaseMachine, OneThatStoodStillStopsWhenItWakes) {
  Simulation sim(6);
  for (const std::string name : {"a", "b"}) sim.start(name);
  sim.run(5 * Simulation::kTtlNs);
  sim.workers[0]->paused = sim.workers[0]->was_paused = true;
  sim.run(3 * Simulation::kTtlNs);
  EXPECT_EQ(sim.workers[1]->reading.size(), 10u);
  sim.workers[0]->paused = false;
  sim.run(Simulation::kTtlNs / 4);
  EXPECT_LE(sim.workers[0]->reading.size(), 5u);
  sim.run(5 * Simulation::kTtlNs);
  EXPECT_EQ(sim.reading(), (Sizes{5, 5}));
}

TEST(LeaseMachine, ABucketMadeAnewEndsWhatWasHeld) {
  LeaseMachine machine({"a", "x", 2000ms}, {"s"});
  machine.look_anew(1'790'000'000'000'000'000);
  machine.seen_all();
  std::uint64_t now = 1'000'000'000;
  std::uint64_t revision = 0;
  std::vector<LeaseMachine::Action> starts;
  std::vector<LeaseMachine::Action> stops;
  const auto run = [&] {
    for (int i = 0; i < 20; ++i, now += 50'000'000)
      for (const auto& action : machine.step(now)) {
        using Kind = LeaseMachine::Action::Kind;
        if (action.kind == Kind::kStart)
          starts.push_back(action);
        else if (action.kind == Kind::kStop)
          stops.push_back(action);
        else
          machine.wrote(action, LeaseMachine::Outcome::kTaken, ++revision, now);
      }
  };
  run();
  ASSERT_EQ(starts.size(), 1u);
  machine.look_anew(1'790'000'100'000'000'000);
  machine.seen_all();
  revision = 0;
  run();
  ASSERT_EQ(stops.size(), 1u);
  machine.stopped("s");
  run();
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_GT(starts[1].token, starts[0].token);
}

TEST(LeaseMachine, OneThatIsOutrankedByTheReadModelTakesAHigherToken) {
  LeaseMachine machine({"a", "x", 2000ms}, {"s"});
  machine.look_anew(1'790'000'000'000'000'000);
  machine.seen_all();
  std::uint64_t now = 1'000'000'000;
  std::uint64_t revision = 0;
  std::vector<std::uint64_t> tokens;
  std::size_t stops = 0;
  LeaseValue in_bucket;
  const auto run = [&](std::uint64_t for_ns) {
    for (const std::uint64_t end = now + for_ns; now < end; now += 50'000'000)
      for (const auto& action : machine.step(now)) {
        using Kind = LeaseMachine::Action::Kind;
        if (action.kind == Kind::kStart) {
          tokens.push_back(action.token);
        } else if (action.kind == Kind::kStop) {
          ++stops;
          machine.stopped("s");
        } else {
          machine.wrote(action, LeaseMachine::Outcome::kTaken, ++revision, now);
          if (action.kind != Kind::kWriteShard) continue;
          in_bucket = action.value;
          machine.saw_shard("s", in_bucket, revision, now);
        }
      }
  };
  run(1'000'000'000);
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(in_bucket.token, tokens[0]);
  EXPECT_EQ(machine.shards(now).at("s").token, tokens[0]);
  machine.outranked("s", tokens[0] - 1);  // said of an earlier token
  run(1'000'000'000);
  EXPECT_EQ(stops, 0u);
  const std::uint64_t fence = tokens[0] + 1'000'000;
  machine.outranked("s", fence);
  run(1'000'000'000);
  EXPECT_EQ(stops, 1u);
  ASSERT_EQ(tokens.size(), 2u) << "within less than a lease's time";
  EXPECT_EQ(tokens[1], fence + 1);
  EXPECT_EQ(in_bucket.token, fence + 1) << "whoever comes next goes above it";
}

TEST(LeaseMachine, WhoeverTakesAShardGoesAboveItsLastToken) {
  const std::int64_t created = 1'790'000'000'000'000'000;
  const LeaseValue before{"", "x", 3, 2000ms, fencing_token(created, 1'000'000)};
  EXPECT_EQ(next_token(created, 7, before), before.token + 1);
  EXPECT_EQ(next_token(created, 7, std::nullopt), fencing_token(created, 8));
  LeaseMachine machine({"b", "y", 2000ms}, {"s"});
  machine.look_anew(created);
  machine.saw_shard("s", before, 7, 1);
  machine.seen_all();
  std::uint64_t taken = 0;
  std::uint64_t revision = 7;
  for (std::uint64_t now = 1; now < 1'000'000'000; now += 50'000'000)
    for (const auto& action : machine.step(now)) {
      if (action.kind == LeaseMachine::Action::Kind::kStart) taken = action.token;
      if (action.kind == LeaseMachine::Action::Kind::kWriteShard ||
          action.kind == LeaseMachine::Action::Kind::kWriteWorker)
        machine.wrote(action, LeaseMachine::Outcome::kTaken, ++revision, now);
    }
  EXPECT_EQ(taken, before.token + 1);
}

// Whatever is lost, killed, paused or joins: never two readers, and in the end all is shared out.
TEST(LeaseMachine, HoldsInManySeededRuns) {
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    SCOPED_TRACE(seed);
    Simulation sim(seed);
    sim.loss_percent = seed % 3 == 0 ? 0 : 20;
    int names = 0;
    for (int i = 0; i < 3; ++i) sim.start("w" + std::to_string(names++));
    for (int round = 0; round < 12; ++round) {
      sim.run((1 + sim.random().below(40)) * Simulation::kTickNs * 2);
      auto& worker = *sim.workers[sim.random().below(sim.workers.size())];
      switch (sim.random().below(5)) {
        case 0:
          worker.alive = false;
          break;
        case 1:
          worker.paused = worker.was_paused = worker.alive;
          break;
        case 2:
          worker.paused = false;
          break;
        case 3:
          worker.machine->leave();
          break;
        default:
          sim.start("w" + std::to_string(names++));
      }
    }
    for (auto& worker : sim.workers) worker->paused = false;
    sim.loss_percent = 0;
    sim.start("last");
    sim.run(8 * Simulation::kTtlNs);
    std::size_t read = 0;
    std::size_t least = 10;
    std::size_t most = 0;
    for (const auto& worker : sim.workers) {
      if (!worker->alive || worker->machine->has_left()) continue;
      read += worker->reading.size();
      least = std::min(least, worker->reading.size());
      most = std::max(most, worker->reading.size());
    }
    EXPECT_EQ(read, 10u);
    EXPECT_LE(most - least, 1u);
  }
}

}  // namespace
}  // namespace sluice::hub
