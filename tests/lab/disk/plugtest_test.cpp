// SPDX-License-Identifier: Apache-2.0
// `sluice plugtest` with real processes, the plug being the power of a filesystem; and against a
// log that cheats, which it must not pass.
#include <gtest/gtest.h>

#include <fstream>

#include "core/json.hpp"
#include "tests/lab/disk/lab_gateway.hpp"
#include "tests/lab/disk/loop_disk.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using std::chrono::seconds;

class Plugtest : public ::testing::Test {
 protected:
  void start_collector() {
    collector_.emplace(std::vector<std::string>{program("sluice"), "plugtest", "collect",
                                                "--listen", "127.0.0.1:0", "--file",
                                                record().string()});
    ASSERT_TRUE(eventually([this] { return collector_->out().find('\n') != std::string::npos; }))
        << collector_->output();
    const auto said = core::parse_json(collector_->out());
    ASSERT_TRUE(said);
    address_ = "127.0.0.1:" + std::to_string(said->at("port").as_int64());
  }
  std::filesystem::path record() const { return folder_ / "record"; }

  Process load(const LabGateway& gateway) const {
    return Process({program("sluice"), "plugtest", "run", "--gateway",
                    gateway.ingest_socket().string(), "--collector", address_, "--rate", "300"});
  }
  std::size_t noted() const {
    std::ifstream in(record());
    std::size_t lines = 0;
    for (std::string line; std::getline(in, line);) ++lines;
    return lines;
  }
  void wait_for_notes(std::size_t more) const {
    const std::size_t before = noted();
    ASSERT_TRUE(eventually([&] { return noted() >= before + more; }));
  }

  struct Verdict {
    int code = -1;
    core::json::object document;
    std::string output;
    std::int64_t sum(const char* name) const {
      std::int64_t out = 0;
      for (const auto& round : document.at("rounds").as_array()) out += round.at(name).as_int64();
      return out;
    }
  };
  Verdict check(const LabGateway& gateway, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{program("sluice"), "plugtest", "check", "--gateway",
                                     gateway.ingest_socket().string()};
    command.insert(command.end(), more.begin(), more.end());
    if (more.empty() || more.front() != "--file")
      command.insert(command.end(), {"--collector", address_});
    const auto done = run(command);
    Verdict out{done.code, {}, done.output};
    if (const auto document = core::parse_json(done.out); document && document->is_object())
      out.document = document->get_object();
    EXPECT_TRUE(out.document.contains("rounds")) << done.output;
    return out;
  }

  TempDir folder_;
  std::optional<Process> collector_;
  std::string address_;
};

TEST_F(Plugtest, WhatWasNotedIsThereAfterEachPulledPlug) {
  LoopDisk disk;
  LabGateway gateway(disk.path() / "state", {});
  start_collector();
  for (int round = 1; round <= 3; ++round) {
    ASSERT_EQ(gateway.start(), "");
    Process board = load(gateway);
    wait_for_notes(100);
    disk.cut();
    gateway.kill();
    board.kill();
    disk.mount_again();
  }
  ASSERT_EQ(gateway.start(), "");
  const Verdict verdict = check(gateway);
  EXPECT_EQ(verdict.code, 0) << verdict.output;
  EXPECT_EQ(verdict.document.at("rounds").as_array().size(), 3u);
  EXPECT_GE(verdict.sum("noted"), 300);
  EXPECT_EQ(verdict.sum("lost") + verdict.sum("doubled") + verdict.sum("out_of_order"), 0);
  // The machine that ran this test did not boot, and the words say so.
  for (const auto& round : verdict.document.at("rounds").as_array())
    EXPECT_EQ(round.at("ended_by"), "restart");
  // From the file, without the collector, and from the folder of the gateway at rest.
  gateway.kill();
  const Verdict offline =
      check(gateway, {"--file", record().string(), "--state", (disk.path() / "state").string()});
  EXPECT_EQ(offline.code, 0) << offline.output;
}

TEST_F(Plugtest, ACardThatDoesNotSyncFails) {
  LoopDisk disk;
  LabGateway gateway(disk.path() / "state",
                     {.environment = {std::string("LD_PRELOAD=") + SLUICE_NO_SYNC_LIBRARY}});
  start_collector();
  ASSERT_EQ(gateway.start(), "");
  Process board = load(gateway);
  wait_for_notes(100);
  disk.cut();
  gateway.kill();
  board.kill();
  disk.mount_again();
  ASSERT_EQ(gateway.start(), "");
  const Verdict verdict = check(gateway);
  EXPECT_EQ(verdict.code, 1) << verdict.output;
  EXPECT_GT(verdict.sum("lost"), 0);
  EXPECT_NE(std::string(verdict.document.at("conclusion").as_string()).find("are gone"),
            std::string::npos);
}

TEST_F(Plugtest, AnOlderCopyOfTheLogFails) {
  const auto state = folder_ / "state";
  const auto copy = folder_ / "copy";
  LabGateway gateway(state, {});
  start_collector();
  ASSERT_EQ(gateway.start(), "");
  Process board = load(gateway);
  wait_for_notes(50);
  gateway.sluiced().terminate();
  std::filesystem::copy(state, copy, std::filesystem::copy_options::recursive);
  ASSERT_EQ(gateway.start(), "");  // the board goes on, in the same round
  wait_for_notes(50);
  board.kill();
  gateway.kill();
  std::filesystem::remove_all(state);
  std::filesystem::rename(copy, state);
  ASSERT_EQ(gateway.start(), "");
  const Verdict verdict = check(gateway);
  EXPECT_EQ(verdict.code, 1) << verdict.output;
  EXPECT_GE(verdict.sum("lost"), 49);
}

TEST_F(Plugtest, WithoutACutNothingIsProved) {
  LabGateway gateway(folder_ / "state", {});
  start_collector();
  ASSERT_EQ(gateway.start(), "");
  const auto done = run({program("sluice"), "plugtest", "run", "--gateway",
                         gateway.ingest_socket().string(), "--collector", address_, "--for", "1s"});
  EXPECT_EQ(done.code, 0) << done.output;
  EXPECT_GT(core::parse_json(done.out)->at("noted").as_int64(), 30);
  const Verdict verdict = check(gateway);
  EXPECT_EQ(verdict.code, 1) << verdict.output;
  EXPECT_EQ(verdict.sum("lost"), 0);
}

TEST_F(Plugtest, TheHubIsComparedToo) {
  NatsServer nats;
  ASSERT_EQ(run({program("sluice"), "provision", "--nats", nats.url(), "--max-bytes", "100MiB",
                 "--keep-forever"})
                .code,
            0);
  LoopDisk disk;
  LabGateway gateway(disk.path() / "state", {.nats_url = nats.url()});
  start_collector();
  ASSERT_EQ(gateway.start(), "");
  gateway.start_uplink();
  Process board = load(gateway);
  wait_for_notes(100);
  disk.cut();
  gateway.kill();
  board.kill();
  disk.mount_again();
  ASSERT_EQ(gateway.start(), "");
  const Verdict before = check(gateway, {"--at-hub", "--nats", nats.url()});
  EXPECT_EQ(before.document.at("hub").at("doubled"), 0);
  gateway.start_uplink();
  Verdict after;
  EXPECT_TRUE(eventually([&] {
    after = check(gateway, {"--at-hub", "--nats", nats.url()});
    return after.code == 0;
  })) << after.output;
  EXPECT_EQ(after.document.at("hub").at("missing"), 0);
}

}  // namespace
}  // namespace sluice::test
