// SPDX-License-Identifier: Apache-2.0
// A log that came apart, as a real sluiced tells of it: in status, in an event, and after a
// restart.
#include <signal.h>

#include <fstream>

#include "core/ids.hpp"
#include "storage/log_reader.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;
using core::Lane;

constexpr const char* kId = "01890a5d-ac96-774b-bcce-b302099a805";  // and a digit

class Fork : public SluicedTest {
 protected:
  std::string went_back(core::Seq seq) const {
    return rpc::Packer()
        .array(3)
        .text("telemetry")
        .unsigned_integer(seq)
        .text("the hub has seq " + std::to_string(seq))
        .take();
  }
  void append(int events) {
    auto client = rpc();
    for (int i = 1; i <= events; ++i)
      ASSERT_TRUE(client.call("append", one_event("pump/7", "T", i, kId + std::to_string(i))));
  }
  // The ids of pump/7 in the order of their versions, by their last digit, with the epoch's first.
  std::vector<std::string> stored() {
    std::vector<std::string> out;
    const auto page = *core::parse_json(http().get("/v1/streams/pump/7")->body);
    for (const auto& event : page.at("events").as_array()) {
      const std::string epoch(event.at("epoch").as_string());
      out.push_back((epoch == epoch_ ? "old " : "new ") +
                    std::string(1, std::string(event.at("id").as_string()).back()));
    }
    return out;
  }
  core::json::array forks() { return status().at("forks").as_array(); }
  std::filesystem::path log_folder() const { return folder_ / "s/log"; }
};

TEST_F(Fork, ALogThatWentBackEndsAndSendsItsTailAgainInANewEpoch) {
  start();
  append(4);  // seqs 2 to 5
  {
    auto hub = uplink();
    ASSERT_TRUE(hub.call("acks", acks(3)));
    ASSERT_TRUE(test::eventually(
        [&] { return status().at("lanes").at("telemetry").at("acked").as_int64() == 3; }));
    const auto not_so = hub.call("went_back", went_back(5));  // the log has seq 5
    ASSERT_FALSE(not_so);
    EXPECT_EQ(not_so.error().field, "seq");
    EXPECT_TRUE(sluiced_->running());
    ASSERT_TRUE(hub.call("went_back", went_back(100)));
    EXPECT_EQ(sluiced_->wait(), 1) << sluiced_->output();
  }
  start();
  EXPECT_EQ(stored(),
            (std::vector<std::string>{"old 1", "old 2", "old 3", "old 4", "new 3", "new 4"}));
  {
    const auto reader = storage::LogReader::open(log_folder());
    ASSERT_TRUE(reader);
    const auto ranges = (*reader)->set_aside(Lane::kTelemetry);
    ASSERT_TRUE(ranges);
    ASSERT_EQ(ranges->size(), 1u);
    EXPECT_EQ(ranges->front().epoch.text(), epoch_);
    EXPECT_EQ(ranges->front().from, 4u);
    EXPECT_EQ(ranges->front().to, 5u);
    EXPECT_EQ(ranges->front().reason, core::GapReason::kLost);
  }
  ASSERT_TRUE(test::eventually([&] { return forks().size() == 1; }));
  EXPECT_EQ(forks()[0].at("kind").as_string(), "snapshot");
  EXPECT_EQ(forks()[0].at("words").as_string(), "the hub has seq 100");
  EXPECT_FALSE(forks()[0].at("do").as_string().empty());
  // A device's retry is still one event.
  const auto again = rpc().call("append", one_event("pump/7", "T", 3, kId + std::string("3")));
  ASSERT_TRUE(again);
  EXPECT_EQ(rpc::Value::trusted(*again).at(0).find("duplicate").boolean(), true);

  sluiced_->signal(SIGTERM);
  ASSERT_EQ(sluiced_->wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(log_folder() / "went-back"));
  start();
  EXPECT_EQ(stored().size(), 6u);
  EXPECT_EQ(forks().size(), 1u) << "it is read back from the log";
}

TEST_F(Fork, AStartThatDiesWhileItSendsTheTailAgainDoublesNothing) {
  start();
  append(4);
  {
    auto hub = uplink();
    ASSERT_TRUE(hub.call("went_back", went_back(100)));
    EXPECT_EQ(sluiced_->wait(), 1);
  }
  std::ifstream in(log_folder() / "went-back");
  const std::string note((std::istreambuf_iterator<char>(in)), {});
  ASSERT_TRUE(note.starts_with(epoch_));
  start();
  const auto once = stored();
  EXPECT_EQ(once.size(), 8u);
  sluiced_->kill();
  std::ofstream(log_folder() / "went-back") << note;  // as if it had died before it forgot
  start();
  EXPECT_EQ(stored(), once);
}

TEST_F(Fork, WhatTheUplinkSawIsShownAndOutlivesARestart) {
  start();
  {
    auto hub = uplink();
    rpc::Packer seen;
    seen.array(3).text("fork").text("ForkSeen").map(3).text("do").text("decide");
    seen.text("kind").text("clone").text("words").text("machine board-2 reports too");
    ASSERT_TRUE(hub.call("own_event", seen.take()));
  }
  ASSERT_EQ(forks().size(), 1u);
  EXPECT_EQ(forks()[0].at("kind").as_string(), "clone");
  EXPECT_NE(http().get("/metrics")->body.find("\nsluice_forks_seen 1\n"), std::string::npos);
  sluiced_->kill();
  start();
  ASSERT_EQ(forks().size(), 1u);
  EXPECT_EQ(forks()[0].at("words").as_string(), "machine board-2 reports too");
}

// The WAL of a killed sluiced holds what was acknowledged last. Somebody removes it.
TEST_F(Fork, ALogWhoseWalIsGoneStartsAndSaysThatItsTailWasLost) {
  start();
  append(2);
  sluiced_->signal(SIGTERM);
  ASSERT_EQ(sluiced_->wait(), 0);
  start();
  append(4);
  sluiced_->kill();
  for (const auto& file : std::filesystem::recursive_directory_iterator(log_folder() / "telemetry"))
    if (file.path().string().ends_with("-wal")) std::filesystem::remove(file.path());
  start();
  ASSERT_TRUE(test::eventually([&] { return !forks().empty(); })) << sluiced_->output();
  EXPECT_EQ(forks()[0].at("kind").as_string(), "lost_tail");
  EXPECT_EQ(forks()[0].at("lane").as_string(), "telemetry");
  EXPECT_TRUE(rpc().call("append", one_event("pump/7", "T", 9)));
}

}  // namespace
}  // namespace sluice::gateway
