// SPDX-License-Identifier: Apache-2.0
// Exactly once in effect: every message three times and out of order, as the wire allows it, faults
// and kills between any two statements: the tables are those of one clean run.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/projection/engine_fixture.hpp"
#include "tests/projection/faulty_target.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::projection {
namespace {

using test::Fault;
using test::Feed;
using test::LaneHistory;
using test::Message;

// Every operation whose result could tell a second effect, a lost one or another order.
constexpr const char* kModel = R"(
model = "exact"
version = 1
[where]
categories = ["machine"]
[table.effect]
key = { gateway = "$gateway", lane = "$lane", k = { type = "int", from = ".k" } }
[table.effect.columns]
n = { type = "int", default = 0 }
[[table.effect.on]]
type = "Reading"
inc = { n = 1 }
[table.stream]
key = { stream = "$stream", lane = "$lane" }
[table.stream.columns]
n = { type = "int", default = 0 }
last = "int"
newest = "int"
low = "int"
high = "int"
[[table.stream.on]]
type = "Reading"
inc = { n = 1 }
set = { last = ".k" }
latest = { newest = ".k" }
min = { low = ".k" }
max = { high = ".k" }
[table.total]
key = { day = "$day" }
shared = true
[table.total.columns]
n = { type = "int", default = 0 }
sum = { type = "int", default = 0 }
[[table.total.on]]
type = "Reading"
inc = { n = 1, sum = ".k" }
)";

constexpr core::Lane kLanes[] = {core::Lane::kTelemetry, core::Lane::kAlarm};

struct Tables {
  std::vector<std::string> effect;
  std::vector<std::string> stream;
  std::vector<std::string> total;
  std::uint64_t applied = 0;
  std::uint64_t late = 0;
  std::uint64_t parked = 0;
  bool operator==(const Tables&) const = default;
};

class ExactTest : public test::EngineTest {
 protected:
  Tables tables() {
    const auto totals = engine_->totals();
    EXPECT_TRUE(totals);
    return {rows("effect"),  rows("stream"), rows("total"),
            totals->applied, totals->late,   totals->parked};
  }
  static std::vector<LaneHistory> histories(core::Random& random, std::size_t events) {
    std::vector<LaneHistory> out;
    std::uint64_t salt = 0;
    for (const char* gateway : {"plant-7", "plant-8"})
      for (const core::Lane lane : kLanes)
        out.push_back(test::lane_history(gateway, lane, salt += 1000, random, events));
    return out;
  }
  static Feed clean(const std::vector<LaneHistory>& lanes) {
    Feed feed;
    for (const LaneHistory& lane : lanes) {
      for (const Message& message : lane.sent) feed.add(message);
      for (const Message& message : lane.late) feed.add(message);
    }
    return feed;
  }
  static Feed thrice(const std::vector<LaneHistory>& lanes, core::Random& random) {
    std::vector<std::vector<Message>> sent;
    for (const LaneHistory& lane : lanes) sent.push_back(test::as_sent_thrice(lane, random));
    Feed feed;
    test::merge(std::move(sent), random, feed);
    return feed;
  }
  Tables clean_run(const std::vector<LaneHistory>& lanes) {
    settings_ = {};
    open(kModel);
    Feed feed = clean(lanes);
    feed.run(*engine_, 500);
    return tables();
  }
  void open_faulty(test::FaultPlan plan) {
    engine_.reset();
    auto target = Target::open(place_, Access::kWrite);
    ASSERT_TRUE(target) << core::to_string(target.error());
    auto engine = Engine::open(model_, test::faulty_target(std::move(*target), std::move(plan)),
                               clock_, log_, settings_);
    ASSERT_TRUE(engine) << core::to_string(engine.error());
    engine_ = std::move(*engine);
  }
  // Reads all of the feed with one fault at the n-th call to the database. False: there was none.
  bool run_with_fault(const Feed& feed, std::uint64_t n, Fault fault, bool reopens) {
    open(kModel);
    calls_ = 0;
    hit_ = armed_ = false;
    open_faulty([this, n, fault] {
      if (!armed_ || ++calls_ != n) return Fault::kNone;
      hit_ = true;
      return fault;
    });
    if (HasFatalFailure()) return false;
    armed_ = true;
    for (;;) {
      const bool before = hit_;
      const auto done = feed.step(*engine_, 16);
      if (!done) break;
      if (*done) continue;
      EXPECT_TRUE(hit_ && !before) << core::to_string(done->error());
      if (!hit_ || before) return false;
      if (reopens) reopen();
    }
    armed_ = false;
    return hit_;
  }

  std::uint64_t calls_ = 0;
  bool armed_ = false;
  bool hit_ = false;
};

TEST_F(ExactTest, ThreeCopiesInAnyOrderOfTheWireHaveOneEffect) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    const auto lanes = histories(random, 100);
    const Tables expected = clean_run(lanes);
    ASSERT_FALSE(expected.effect.empty());
    EXPECT_EQ(expected.parked, expected.late);
    settings_.held_items_max = std::array<std::uint64_t, 4>{0, 3, 16, 1000}[random.below(4)];
    open(kModel);
    const Feed feed = thrice(lanes, random);
    for (;;) {
      const auto done = feed.step(*engine_, 1 + random.below(60));
      if (!done) break;
      ASSERT_TRUE(*done) << core::to_string(done->error());
      EXPECT_EQ((*done)->refused, 0u);
      if (random.below(12) == 0) reopen();
      // All of the hub stream once more, now and then, as after it was made anew.
      if (random.below(60) == 0) {
        ASSERT_TRUE(engine_->reset_position(feed.hub().name));
      }
    }
    EXPECT_EQ(tables(), expected);
    EXPECT_TRUE(engine_->holes(10)->empty());
  }
}

// The n-th call fails, for every n of a run; the engine goes on, or is opened again.
TEST_F(ExactTest, AFaultAtAnyStatementLeavesTheTablesOfACleanRun) {
  core::SeededRandom random(5);
  const auto lanes = histories(random, 12);
  const Tables expected = clean_run(lanes);
  const Feed feed = thrice(lanes, random);
  std::uint64_t faults = 0;
  for (const Fault fault : {Fault::kFails, Fault::kDoneButFails})
    for (const bool reopens : {false, true})
      for (std::uint64_t n = 1;; n += 1 + random.below(48)) {
        SCOPED_TRACE("call " + std::to_string(n) + (reopens ? ", opened again" : ", goes on"));
        const bool hit = run_with_fault(feed, n, fault, reopens);
        ASSERT_FALSE(HasFailure());
        if (hit) ++faults;
        ASSERT_EQ(tables(), expected);
        if (!hit) break;
      }
  EXPECT_GT(faults, 60u);
  RecordProperty("faults", static_cast<int>(faults));
}

// A process of its own is killed just before its n-th call, and another goes on in the same file.
TEST_F(ExactTest, AKillBetweenAnyTwoStatementsLeavesTheTablesOfACleanRun) {
  core::SeededRandom random(9);
  const auto lanes = histories(random, 40);
  const Tables expected = clean_run(lanes);
  const Feed feed = thrice(lanes, random);
  open(kModel);
  engine_.reset();
  int kills = 0;
  for (;;) {
    const std::uint64_t n = 1 + random.below(400);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto target = Target::open(place_, Access::kWrite);
      if (!target) _exit(2);
      std::uint64_t calls = 0;
      bool armed = false;
      const auto plan = [&]() -> Fault {
        if (armed && ++calls == n) raise(SIGKILL);
        return Fault::kNone;
      };
      auto engine = Engine::open(model_, test::faulty_target(std::move(*target), plan), clock_,
                                 log_, settings_);
      if (!engine) _exit(3);
      armed = true;
      for (;;) {
        const auto done = feed.step(**engine, 24);
        if (!done) _exit(0);
        if (!*done) _exit(4);
      }
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ASSERT_LT(++kills, 5000);
  }
  reopen();
  EXPECT_EQ(tables(), expected);
  EXPECT_GT(kills, 5);
  RecordProperty("kills", kills);
}

}  // namespace
}  // namespace sluice::projection
