// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <sstream>

#include "tests/storage/log_child.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Lane;

int cycles() {
  const char* wanted = std::getenv("SLUICE_KILL_CYCLES");
  return wanted == nullptr ? 25 : std::atoi(wanted);
}

struct Acked {
  core::Seq seq = 0;
  std::uint64_t version = 0;
  std::string epoch;
};

class KillTest : public ::testing::Test {
 protected:
  // One life: started, and killed at a random moment after `pause`. Gives what it acked.
  void run_child(std::uint64_t first, std::chrono::microseconds pause, bool read_beside) {
    test::Process child(
        {SLUICE_LOG_CHILD, folder.string(), std::to_string(kSeed), std::to_string(first)});
    const auto end = std::chrono::steady_clock::now() + pause;
    while (std::chrono::steady_clock::now() < end) {
      if (read_beside)
        read_beside_it();
      else
        eventually([] { return false; }, std::chrono::milliseconds(1));
      ASSERT_TRUE(child.running()) << child.output();
    }
    child.kill();
    std::istringstream lines(child.out());
    std::uint64_t n = 0;
    Acked position;
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      ASSERT_TRUE(words >> n >> position.seq >> position.version >> position.epoch) << line;
      if (const auto known = acked.find(n); known != acked.end()) {
        // A retry of the life before: the same position.
        EXPECT_EQ(known->second.seq, position.seq);
        EXPECT_EQ(known->second.epoch, position.epoch);
      }
      acked[n] = position;
    }
  }

  void read_beside_it() {
    auto reader = LogReader::open(folder);
    if (!reader) return;  // before the first commit
    core::Seq next = 1;
    for (;;) {
      const auto page = (*reader)->read_lane(Lane::kTelemetry, next);
      if (!page && page.error().code == core::Errc::kNotFound) return;
      ASSERT_TRUE(page) << core::to_string(page.error());
      if (page->empty()) return;
      ASSERT_EQ(page->front().seq, next);
      for (const Record& record : *page) ASSERT_EQ(record.seq, next++);
    }
  }

  // Reads the whole lane and compares it with what was acked.
  void check() {
    const auto reader = LogReader::open(folder);
    ASSERT_TRUE(reader);
    std::map<core::Uuid, core::Seq> seq_by_id;
    std::map<std::string, std::uint64_t> versions;
    core::ChainHash chain{};
    core::Epoch epoch;
    core::Seq next = 1;
    for (;;) {
      const auto page = (*reader)->read_lane(Lane::kTelemetry, next);
      ASSERT_TRUE(page) << core::to_string(page.error());
      if (page->empty()) break;
      for (const Record& record : *page) {
        ASSERT_EQ(record.seq, next++);
        const auto event = codec::decode_event(record.body);
        ASSERT_TRUE(event);
        ASSERT_EQ(event->seq, record.seq);
        ASSERT_TRUE(seq_by_id.emplace(event->id, record.seq).second) << "an id twice";
        ASSERT_EQ(event->version, ++versions[event->stream().text()]);
        if (event->type == core::kTypeEpochOpened) {
          const auto opened = codec::decode_epoch_opened(event->data);
          ASSERT_TRUE(opened);
          ASSERT_EQ(opened->previous, epoch);
          ASSERT_EQ(opened->last_seq, record.seq - 1);
          if (epoch) {
            ASSERT_EQ(opened->chain, chain);
          }
          epoch = event->epoch;
        }
        ASSERT_EQ(event->epoch, epoch);
        chain = core::chain_next(chain, record.body);
      }
    }
    for (const auto& [n, position] : acked) {
      const auto found = seq_by_id.find(*child_event(kSeed, n).id);
      ASSERT_TRUE(found != seq_by_id.end()) << "acked event " << n << " is gone";
      ASSERT_EQ(found->second, position.seq);
    }
  }

  static constexpr std::uint64_t kSeed = 20261121;
  test::TempDir scratch;
  std::filesystem::path folder = scratch.path() / "log";
  std::map<std::uint64_t, Acked> acked;
};

TEST_F(KillTest, NoAckedEventIsLostOrDoubledByKillNine) {
  core::SystemRandom random;
  std::uint64_t next = 0;
  for (int cycle = 0; cycle < cycles(); ++cycle) {
    // Some of what the life before may have stored without telling is sent again.
    const std::uint64_t first = next > 40 ? (next - 40) / kChildClients * kChildClients : 0;
    run_child(first, std::chrono::microseconds(50'000 + random.below(400'000)), cycle % 2 == 1);
    if (HasFatalFailure()) return;
    check();
    if (HasFatalFailure()) return;
    if (!acked.empty()) next = acked.rbegin()->first + 1;
  }
  EXPECT_GT(acked.size(), static_cast<std::size_t>(cycles()) * 10);
  RecordProperty("acked", static_cast<int>(acked.size()));
}

}  // namespace
}  // namespace sluice::storage
