// SPDX-License-Identifier: Apache-2.0
// Whatever duplicates, refusals, re-sends, restarts and kills do to the order in which a hub stream
// is read: the tables are those of a clean run.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/random.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::Feed;
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

// What one lane has to send, in its order: epochs, events, and gap records for what it lost.
std::vector<Message> lane_history(const std::string& gateway, core::Lane lane, std::uint64_t salt,
                                  core::Random& random, std::size_t events) {
  std::vector<Message> out;
  core::Seq seq = 0;
  std::uint64_t epoch = salt;
  std::uint64_t previous = 0;
  while (out.size() < events) {
    const LaneMaker maker(gateway, ++epoch, lane);
    const core::EpochOpened opened{core::Epoch{previous}, seq, std::nullopt, "start"};
    if (previous != 0 && random.below(5) == 0) {
      const core::Seq to = seq + 1 + random.below(3);
      out.push_back(maker.gap(seq + 1, to, core::GapReason::kQuota, opened));
      seq = to;
    } else {
      out.push_back(maker.opened(previous, seq));
      ++seq;
    }
    const std::uint64_t length = 1 + random.below(60);
    for (std::uint64_t i = 0; i < length; ++i) {
      ++seq;
      if (random.below(40) == 0) {
        const core::Seq to = seq + random.below(5);
        out.push_back(maker.gap(seq, to, core::GapReason::kOversize));
        seq = to;
        continue;
      }
      auto made = maker.base(seq);
      made.entity = "e" + std::to_string(random.below(4));
      made.wall_ns = static_cast<std::int64_t>(random.below(1000));
      made.json = "{\"k\": " + std::to_string(seq) + "}";
      out.push_back(test::message(made));
    }
    previous = epoch;
    // A tail that was forwarded and then lost: the next epoch begins below what the hub has.
    if (random.below(6) == 0 && length > 4) seq -= 2;
  }
  return out;
}

// Go-back-N: windows with refusals in their middle, each followed by a re-send from the lowest
// refused or from further back.
std::vector<Message> as_sent(const std::vector<Message>& history, core::Random& random) {
  std::vector<Message> out;
  std::size_t next = 0;
  while (next < history.size()) {
    const std::size_t end = std::min(history.size(), next + 1 + random.below(24));
    std::size_t lowest = end;
    const std::uint64_t refusals = random.below(4) == 0 ? 3 : 40;
    for (std::size_t i = next; i < end; ++i) {
      if (random.below(refusals) == 0)
        lowest = std::min(lowest, i);
      else
        out.push_back(history[i]);
    }
    next = lowest;
    if (random.below(8) == 0) next -= random.below(std::min<std::size_t>(next, 30) + 1);
  }
  return out;
}

void merge(std::vector<std::vector<Message>> lanes, core::Random& random, Feed& feed) {
  std::vector<std::size_t> at(lanes.size());
  for (;;) {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (at[i] < lanes[i].size()) left.push_back(i);
    if (left.empty()) return;
    const std::size_t lane = left[random.below(left.size())];
    const std::uint64_t run = 1 + random.below(10);
    for (std::uint64_t i = 0; i < run && at[lane] < lanes[lane].size(); ++i)
      feed.add(lanes[lane][at[lane]++]);
  }
}

struct Tables {
  std::vector<std::string> effect;
  std::vector<std::string> stream;
  std::uint64_t applied = 0;
  bool operator==(const Tables&) const = default;
};

class ChaosTest : public test::EngineTest {
 protected:
  Tables tables() { return {rows("effect"), rows("stream"), engine_->totals()->applied}; }
  Tables clean_run(const std::vector<std::vector<Message>>& lanes) {
    settings_ = {};
    open(kModel);
    Feed feed;
    for (const auto& lane : lanes)
      for (const Message& message : lane) feed.add(message);
    feed.run(*engine_, 500);
    Tables out = tables();
    engine_.reset();
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(file().string() + ending);
    return out;
  }
  std::vector<std::vector<Message>> histories(core::Random& random, std::size_t events) {
    std::vector<std::vector<Message>> lanes;
    std::uint64_t salt = 0;
    for (const char* gateway : {"plant-7", "plant-8"})
      for (const core::Lane lane : {core::Lane::kTelemetry, core::Lane::kAlarm})
        lanes.push_back(lane_history(gateway, lane, salt += 1000, random, events));
    return lanes;
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
    std::vector<std::vector<Message>> sent;
    for (const auto& lane : lanes) sent.push_back(as_sent(lane, random));
    Feed feed;
    merge(std::move(sent), random, feed);
    BatchOutcome sum;
    // Read in pieces, with restarts, and now and then from the first again.
    for (int part = 0; part < 6; ++part) {
      std::size_t steps = feed.size() / 6 + 1;
      while (steps > 0) {
        const auto position = engine_->position(feed.hub().name);
        ASSERT_TRUE(position);
        std::size_t at = *position ? (*position)->next - 1 : 0;
        std::vector<Incoming> batch;
        const std::size_t size = 1 + random.below(60);
        while (batch.size() < size && at < feed.size()) batch.push_back(feed.incoming(at++));
        if (batch.empty()) break;
        const auto outcome = engine_->apply(feed.hub(), batch);
        ASSERT_TRUE(outcome) << core::to_string(outcome.error());
        EXPECT_EQ(outcome->late + outcome->refused + outcome->parked, 0u);
        steps -= std::min(steps, batch.size());
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
    engine_.reset();
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(file().string() + ending);
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
    engine_.reset();
    for (const char* ending : {"", "-wal", "-shm"})
      std::filesystem::remove(file().string() + ending);
  }
}

TEST_F(ChaosTest, AKillInMidBatchLeavesNothingHalfDone) {
  core::SeededRandom random(7);
  const auto lanes = histories(random, 4000);
  const Tables expected = clean_run(lanes);
  std::vector<std::vector<Message>> sent;
  for (const auto& lane : lanes) sent.push_back(as_sent(lane, random));
  Feed feed;
  merge(std::move(sent), random, feed);
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
        const auto position = (*engine)->position(feed.hub().name);
        if (!position) _exit(3);
        std::size_t at = *position ? (*position)->next - 1 : 0;
        if (at >= feed.size()) _exit(0);
        std::vector<Incoming> batch;
        while (batch.size() < 200 && at < feed.size()) batch.push_back(feed.incoming(at++));
        if (write(ends[1], ".", 1) != 1) _exit(4);
        if (!(*engine)->apply(feed.hub(), batch)) _exit(5);
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
