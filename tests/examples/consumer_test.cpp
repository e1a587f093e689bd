// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/codec/event_codec.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "tests/core/example_event.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

// examples/consumer.mjs was written from docs/event-format.md alone. It is given all that the page
// warns of, by a real server.
namespace sluice::test {
namespace {

using core::Epoch;

struct Consumed {
  std::vector<std::string> events;  // "<epoch's last digit>:<seq>" in order
  core::json::object summary;
  std::string errors;
  std::int64_t count(const char* key) const { return summary.at(key).as_int64(); }
};

class ConsumerExample : public testing::Test {
 protected:
  ConsumerExample() : publisher_(server_.url()) { make_hub_stream(); }

  // A short window, so that the server itself swallows no repetition.
  void make_hub_stream() { publisher_.make_hub_stream("main", R"(,"duplicate_window":100000000)"); }

  Consumed consume() {
    const Finished run = test::run({"node", SLUICE_CONSUMER_DIR "/consumer.mjs", "--url",
                                    server_.url(), "--once", "--state", state_.string()});
    EXPECT_EQ(run.code, 0) << run.output;
    Consumed consumed;
    consumed.errors = run.output.substr(run.out.size());
    auto lines = core::split(run.out, '\n');
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    if (lines.empty()) return consumed;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      const auto event = core::parse_json(lines[i]);
      if (!event) throw std::runtime_error("not JSON: " + std::string(lines[i]));
      const std::string epoch(event->as_object().at("epoch").as_string());
      consumed.events.push_back(epoch.substr(15) + ":" +
                                std::string(event->as_object().at("seq").as_string()));
    }
    consumed.summary = core::parse_json(lines.back())->as_object();
    return consumed;
  }

  using Events = std::vector<std::string>;
  using Lane = TestPublisher::Lane;
  NatsServer server_;
  TestPublisher publisher_;
  TempDir folder_;
  std::filesystem::path state_ = folder_ / "state.json";
  Lane a_{"main", "plant-7", Epoch{0xa}, core::Lane::kTelemetry};
  Lane b_{"main", "plant-7", Epoch{0xb}, core::Lane::kTelemetry};
};

TEST_F(ConsumerExample, AppliesInOrderWhatComesOutOfOrderAndTwice) {
  publisher_.event(a_, 3, "Hot", "{\"n\":18446744073709551615}");
  publisher_.epoch_opened(a_, 1);
  const auto first = publisher_.event(a_, 2, "Hot", "1.0");
  publisher_.event(a_, 5, "Hot", "5");
  ASSERT_TRUE(eventually([&] { return publisher_.event(a_, 2, "Hot", "1.0") > first; }));
  publisher_.event(a_, 4, "Hot", "4");
  const auto consumed = consume();
  EXPECT_EQ(consumed.events, (Events{"a:1", "a:2", "a:3", "a:4", "a:5"}));
  EXPECT_EQ(consumed.count("applied"), 5);
  EXPECT_GE(consumed.count("repeated"), 1);
  EXPECT_EQ(consumed.count("held"), 0);
  EXPECT_EQ(consumed.summary.at("streams").as_object().at("plant-7/pump/1").as_int64(), 4);
}

TEST_F(ConsumerExample, StepsOverAGapAndReportsWhatComesLate) {
  publisher_.epoch_opened(a_, 1);
  publisher_.event(a_, 4, "Hot", "4");
  publisher_.event(a_, 6, "Hot", "6");
  publisher_.gap(a_, 2, 5);
  publisher_.event(a_, 3, "Hot", "3");
  const auto consumed = consume();
  EXPECT_EQ(consumed.events, (Events{"a:1", "a:4", "a:6"}));
  EXPECT_EQ(consumed.count("absent"), 3);
  EXPECT_EQ(consumed.count("late"), 1);
}

TEST_F(ConsumerExample, HoldsAnEpochUntilItsPredecessorIsComplete) {
  publisher_.epoch_opened(b_, 4, a_.epoch);
  publisher_.event(b_, 5, "Hot", "5");
  publisher_.epoch_opened(a_, 1);
  publisher_.event(a_, 3, "Hot", "3");
  auto consumed = consume();
  EXPECT_EQ(consumed.events, (Events{"a:1"}));
  EXPECT_EQ(consumed.count("held"), 3);
  publisher_.event(a_, 2, "Hot", "2");
  consumed = consume();  // goes on from what it kept
  EXPECT_EQ(consumed.events, (Events{"a:2", "a:3", "b:4", "b:5"}));
  EXPECT_EQ(consumed.count("held"), 0);
}

TEST_F(ConsumerExample, SetsPoisonAside) {
  publisher_.epoch_opened(a_, 1);
  publisher_.publish("ev.main.plant-7.telemetry.pump.Hot", "\xc1", "x");
  publisher_.publish("ev.main.plant-7.telemetry.pump.Hot", "\x90", "y");
  // Well-formed, but on another gateway's subject, and under another event's name.
  const auto event = example_event();
  const std::string body = codec::encode_event(event);
  core::Identity identity{"plant-7", event.epoch, event.lane, event.seq, 0};
  publisher_.publish("ev.main.plant-8.alarm.pump.Overheated", body, identity.text());
  identity.seq += 1;
  publisher_.publish("ev.main.plant-7.alarm.pump.Overheated", body, identity.text());
  const auto consumed = consume();
  EXPECT_EQ(consumed.events, Events{"a:1"});
  EXPECT_EQ(consumed.count("poison"), 4);
  EXPECT_EQ(consumed.count("held"), 0);
  EXPECT_NE(consumed.errors.find("poison at 2"), std::string::npos) << consumed.errors;
}

TEST_F(ConsumerExample, DoesNotApplyAgainWhatARestoredHubStreamSends) {
  publisher_.epoch_opened(a_, 1);
  publisher_.event(a_, 2, "Hot", "2");
  EXPECT_EQ(consume().count("applied"), 2);
  EXPECT_EQ(consume().events, Events{});
  publisher_.delete_hub_stream("main");
  make_hub_stream();
  publisher_.epoch_opened(a_, 1);
  publisher_.event(a_, 2, "Hot", "2");
  publisher_.event(a_, 3, "Hot", "3");
  const auto consumed = consume();
  EXPECT_EQ(consumed.events, Events{"a:3"});
  EXPECT_EQ(consumed.count("repeated"), 2);
}

TEST_F(ConsumerExample, BeginsWhereAHubStreamWithoutItsBeginningDoes) {
  publisher_.epoch_opened(a_, 1);
  publisher_.event(a_, 2, "Hot", "2");
  publisher_.event(a_, 3, "Hot", "3");
  publisher_.request("$JS.API.STREAM.PURGE.EVENTS-main", R"({"seq":3})");
  EXPECT_EQ(consume().events, Events{"a:3"});
}

}  // namespace
}  // namespace sluice::test
