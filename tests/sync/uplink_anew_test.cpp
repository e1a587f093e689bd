// SPDX-License-Identifier: Apache-2.0
// An operator deletes the hub stream and makes it again, while nats-server and all connections to
// it live on: what the log retains is all there again.
#include <atomic>
#include <thread>

#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

class HubStreamMadeAnew : public testing::Test {
 protected:
  void SetUp() override {
    hub_.make_streams();
    gateway_.start();
    gateway_.append(700);
    ASSERT_TRUE(eventually([&] { return is_whole(); }, 60s)) << gateway_.logs();
  }
  void make_anew() {
    hub_.ask("STREAM.DELETE.EVENTS-main");
    hub_.make_hub_stream();
  }
  void another_gateway(int events) {
    for (int i = 0; i < events; ++i)
      ASSERT_TRUE(hub_.connection().request("ev.main.plant-8.telemetry.pump.Measured", "x", 5s));
  }
  // Of every lane from its first event on, also of those with nothing new.
  bool is_whole() {
    const auto stored = hub_.all();
    for (const auto lane : core::kLanes)
      if (seqs_of(stored, lane).size() != gateway_.last(lane)) return false;
    return true;
  }
  void expect_whole() {
    EXPECT_TRUE(eventually([&] { return is_whole(); }, 60s)) << gateway_.logs();
    EXPECT_EQ(times_in_log("link up"), 1u) << "the link was to stay up" << gateway_.logs();
  }
  std::size_t times_in_log(const std::string& words) {
    std::size_t count = 0;
    const auto text = gateway_.logs();
    for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
      ++count;
    return count;
  }

  // The interval is an hour where it is not what is tested.
  static std::string uplink_lines() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    const bool is_short = test.ends_with("Interval");
    return "rewind_jitter = \"100ms\"\nhub_look_interval = \"" +
           std::string(is_short ? "3s" : "1h") + "\"";
  }

  test::NatsServer server_;
  HubOperator hub_{server_.url()};
  Installation gateway_{server_.url(), {.uplink = uplink_lines()}};
};

// Its sequence is one that the old hub stream gave away, above an anchor of the old one.
TEST_F(HubStreamMadeAnew, IsFilledAgainWhenTheNextEventShowsIt) {
  make_anew();
  another_gateway(400);
  gateway_.append(1);
  expect_whole();
}

TEST_F(HubStreamMadeAnew, IsFilledAgainWhileEventsAreOnTheirWay) {
  std::atomic<bool> stop = false;
  std::thread device([&] {
    while (!stop) gateway_.append(20);
  });
  EXPECT_TRUE(eventually([&] { return hub_.last_seq() > 1'000; }, 30s));
  make_anew();
  EXPECT_TRUE(eventually([&] { return hub_.last_seq() > 1'000; }, 30s)) << gateway_.logs();
  stop = true;
  device.join();
  // The server may have answered "no hub stream" in between: then it connected again.
  EXPECT_TRUE(eventually([&] { return is_whole(); }, 60s)) << gateway_.logs();
}

TEST_F(HubStreamMadeAnew, IsFilledAgainByAnIdleGatewayAtTheHubsWord) {
  make_anew();
  ASSERT_TRUE(hub_.connection().publish(core::need_subject("plant-7"), codec::kHubChanged));
  expect_whole();
}

// Nobody says a word, and another gateway's events hide that the sequences began again.
TEST_F(HubStreamMadeAnew, IsFilledAgainByAnIdleGatewayWithinItsInterval) {
  make_anew();
  another_gateway(800);
  expect_whole();
}

}  // namespace
}  // namespace sluice::sync
