// SPDX-License-Identifier: Apache-2.0
// A board that wakes up in 1970: what it knows of the true time, and what it makes of it.
#include <fstream>

#include "core/codec/event_codec.hpp"
#include "core/codec/field.hpp"
#include "core/subject.hpp"
#include "tests/lab/clock/false_clock.hpp"
#include "tests/sync/certificates.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

constexpr std::int64_t kIn1970 = 5;
constexpr std::int64_t kSecond = 1'000'000'000;

class BadClock : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(test::FalseClock::library().empty())
        << "libfaketime is missing (scripts/deps.sh): this cannot be tested";
  }
  // While the file is there the clock is said to be right.
  void say_right() { std::ofstream(sync_file()) << "synchronised\n"; }
  void say_nothing() { std::filesystem::remove(sync_file()); }
  std::string sync_file() const { return (folder_ / "synchronized").string(); }
  std::string identity() const { return "clock_sync_file = \"" + sync_file() + "\""; }
  static std::int64_t now_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  test::TempDir folder_;
  test::FalseClock clock_;
};

// The certificate is younger than the program, so only what the log remembers can vouch for it.
TEST_F(BadClock, In1970TheLastTrustedTimeInTheLogIsWhatCertificatesAreCheckedAgainst) {
  const test::Certificates certificates;
  test::NatsServer server({.config = certificates.server_config("server", false)});
  nats::ConnectionOptions options;
  options.login.urls = {"tls://127.0.0.1:" + std::to_string(server.port())};
  options.login.ca_file = certificates.at("ca.pem");
  HubOperator hub(options);
  hub.make_streams();
  Installation gateway(options.login.urls[0],
                       {.identity = identity(),
                        .uplink = "ca_file = \"" + certificates.at("ca.pem") + "\"",
                        .sections = "[log]\nrestart_wait_max = \"0ms\"",
                        .environment = clock_.environment(),
                        .sluiced_environment = clock_.environment()});
  say_right();
  gateway.start_sluiced();
  gateway.append(20);
  EXPECT_EQ(gateway.sluiced->terminate(), 0);

  say_nothing();
  clock_.set_time(kIn1970);
  gateway.start();
  gateway.append(20);
  EXPECT_TRUE(eventually([&] { return gateway.drained(); }, 30s)) << gateway.logs();

  // The floor moves one check, that of the dates. Everything else of a certificate is looked at.
  Installation stranger(options.login.urls[0], {.gateway = "plant-8",
                                                .identity = identity(),
                                                .uplink = "tls = true",
                                                .environment = clock_.environment(),
                                                .sluiced_environment = clock_.environment()});
  stranger.start();
  EXPECT_TRUE(eventually([&] { return !stranger.link("last_error").empty(); }, 30s));
  EXPECT_NE(stranger.link("state"), "up") << "an authority that is not trusted was taken";
}

TEST_F(BadClock, WhatWasRecordedIn1970GoesOutWithItsCorrectionAndTheStepIsAnEvent) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url(), {.identity = identity(),
                                      .environment = clock_.environment(),
                                      .sluiced_environment = clock_.environment()});
  clock_.set_time(kIn1970);
  gateway.start_sluiced();
  gateway.append(20);
  const auto system_before = gateway.last(Lane::kSystem);
  clock_.set_offset(0);
  say_right();
  ASSERT_TRUE(eventually([&] { return gateway.last(Lane::kSystem) > system_before; }, 20s));
  gateway.append(5);
  gateway.start_uplink();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 60s)) << gateway.logs();

  std::size_t corrected = 0, trusted = 0, anchors = 0;
  const auto last = hub.last_seq();
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    const auto message = hub.connection().request("$JS.API.DIRECT.GET.EVENTS-main",
                                                  "{\"seq\":" + std::to_string(seq) + "}", 5s);
    ASSERT_TRUE(message);
    const auto event = codec::decode_event(message->payload());
    ASSERT_TRUE(event);
    const auto header = message->header(core::kClockHeader.data());
    const std::int64_t wall_s = event->recorded.wall_ns / kSecond;
    if (event->type == "ClockAnchored") {
      ++anchors;
      const auto was = codec::find_field(event->data, {"was_wall_ns"});
      ASSERT_TRUE(std::holds_alternative<std::int64_t>(was));
      EXPECT_LT(std::get<std::int64_t>(was) / kSecond, 86'400);
      EXPECT_EQ(event->entity, "clock");
    }
    if (event->recorded.trusted) {
      ++trusted;
      EXPECT_FALSE(header) << "nothing is wrong with it";
      continue;
    }
    ASSERT_TRUE(header) << event->type << " recorded at " << wall_s;
    ++corrected;
    EXPECT_LT(wall_s, 86'400);
    EXPECT_NEAR(static_cast<double>(wall_s + std::stoll(*header) / kSecond),
                static_cast<double>(now_s()), 90);
  }
  EXPECT_EQ(anchors, 1u);
  EXPECT_EQ(corrected, 20u + 4u);  // and EpochOpened of each lane
  EXPECT_EQ(trusted, 5u + 1u);
}

}  // namespace
}  // namespace sluice::sync
