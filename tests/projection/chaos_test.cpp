// SPDX-License-Identifier: Apache-2.0
// Whatever duplicates, refusals, re-sends, restarts and kills do to the order in which a hub stream
// is read: the tables are those of a clean run.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/projection/engine_fixture.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::projection {
namespace {

using test::Feed;
using test::LaneHistory;
using test::LaneMaker;
using test::Message;

constexpr const char* kModel = R"(
model = "chaos"
version = 1
[table.effect]
key = { gateway = "$gateway", k = { type = "int", from = ".k" } }
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
[[table.stream.on]]
type = "Reading"
inc = { n = 1 }
set = { last = ".k" }
latest = { newest = ".k" }
min = { low = ".k" }
)";

struct Tables {
  std::vector<std::string> effect;
  std::vector<std::string> stream;
  std::uint64_t applied = 0;
  bool operator==(const Tables&) const = default;
};

class ChaosTest : public test::EngineTest {
 protected:
  Tables tables() { return {rows("effect"), rows("stream"), engine_->totals()->applied}; }
  Tables clean_run(const std::vector<LaneHistory>& lanes) {
    settings_ = {};
    open(kModel);
    Feed feed;
    for (const LaneHistory& lane : lanes)
      for (const Message& message : lane.sent) feed.add(message);
    feed.run(*engine_, 500);
    return tables();
  }
  static std::vector<LaneHistory> histories(core::Random& random, std::size_t events) {
    std::vector<LaneHistory> lanes;
    std::uint64_t salt = 0;
    for (const char* gateway : {"plant-7", "plant-8"})
      for (const core::Lane lane : {core::Lane::kTelemetry, core::Lane::kAlarm})
        lanes.push_back(test::lane_history(gateway, lane, salt += 1000, random, events));
    return lanes;
  }
  static Feed wire(const std::vector<LaneHistory>& lanes, core::Random& random) {
    std::vector<std::vector<Message>> sent;
    for (const LaneHistory& lane : lanes) sent.push_back(test::as_sent(lane, random));
    Feed feed;
    test::merge(std::move(sent), random, feed);
    return feed;
  }
};

TEST_F(ChaosTest, AnyOrderOfTheWireGivesTheTablesOfACleanRun) {
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    const auto lanes = histories(random, 150);
    const Tables expected = clean_run(lanes);
    ASSERT_FALSE(expected.effect.empty());

    settings_.held_items_max = std::array<std::uint64_t, 4>{0, 3, 16, 1000}[random.below(4)];
    open(kModel);
    Feed feed = wire(lanes, random);
    // Read in pieces, with restarts, and now and then from the first again.
    for (int part = 0; part < 6; ++part) {
      std::size_t steps = feed.size() / 6 + 1;
      while (steps > 0) {
        const std::size_t size = 1 + random.below(60);
        const auto done = feed.step(*engine_, size);
        if (!done) break;
        ASSERT_TRUE(*done) << core::to_string(done->error());
        EXPECT_EQ((*done)->late + (*done)->refused + (*done)->parked, 0u);
        steps -= std::min(steps, size);
      }
      reopen();
      if (random.below(4) == 0) {
        ASSERT_TRUE(engine_->reset_position(feed.hub().name));
      }
    }
    const auto position = engine_->position(feed.hub().name);
    feed.restart_at(*position ? (*position)->next - 1 : 0);
    feed.run(*engine_, 64);
    EXPECT_EQ(tables(), expected);
    const auto holes = engine_->holes(10);
    ASSERT_TRUE(holes);
    EXPECT_TRUE(holes->empty());
  }
}

// What never reaches the hub is answered by `lost`: nothing stalls, and the rest is all there.
TEST_F(ChaosTest, LostRangesEndWithTheAnswerToTheirNeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    open(kModel);
    Feed feed;
    std::uint64_t sent = 0;
    const LaneMaker one("plant-7", 1);
    const LaneMaker two("plant-7", 2);
    feed.add(one.opened(0, 0));
    for (core::Seq seq = 2; seq <= 300; ++seq) {
      const LaneMaker& lane = seq < 150 ? one : two;
      if (seq == 150)
        feed.add(two.opened(1, 149));
      else if (random.below(4) != 0)
        feed.add(lane.event(seq, "{\"k\": " + std::to_string(seq) + "}"));
      else
        continue;
      ++sent;
    }
    feed.run(*engine_);
    for (int round = 0; round < 40; ++round) {
      const auto holes = engine_->holes(7);
      ASSERT_TRUE(holes);
      if (holes->empty()) break;
      for (const Hole& hole : *holes)
        feed.add(LaneMaker(hole.gateway, hole.epoch.value, hole.lane).gap(hole.from, hole.to));
      feed.run(*engine_);
    }
    EXPECT_TRUE(engine_->holes(7)->empty());
    EXPECT_EQ(engine_->totals()->applied, sent + 1);
  }
}

TEST_F(ChaosTest, AKillInMidBatchLeavesNothingHalfDone) {
  core::SeededRandom random(7);
  const auto lanes = histories(random, 4000);
  const Tables expected = clean_run(lanes);
  const Feed feed = wire(lanes, random);
  open(kModel);
  engine_.reset();
  int kills = 0;
  for (;;) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {  // reads on from the position in the file until it is killed, or done
      close(ends[0]);
      auto engine = Engine::open(model_, file(), clock_, log_);
      if (!engine) _exit(2);
      for (;;) {
        if (write(ends[1], ".", 1) != 1) _exit(4);
        const auto done = feed.step(**engine, 200);
        if (!done) _exit(0);
        if (!*done) _exit(5);
      }
    }
    close(ends[1]);
    // The kill falls into a batch, a random one of the next few.
    char dot = 0;
    for (std::uint64_t left = 1 + random.below(6); left > 0 && read(ends[0], &dot, 1) == 1;) --left;
    for (std::uint64_t spin = random.below(400'000); spin > 0; --spin) asm volatile("");
    kill(child, SIGKILL);
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
    ASSERT_LT(kills, 2000);
  }
  reopen();
  EXPECT_EQ(tables(), expected);
  EXPECT_GT(kills, 3);
}

}  // namespace
}  // namespace sluice::projection
