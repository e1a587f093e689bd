// SPDX-License-Identifier: Apache-2.0
// A board whose clock is wrong, under load: events are acknowledged, go out, stay in order, take
// effect once, and are not trimmed before their time.
#include <gtest/gtest.h>

#include <chrono>

#include "core/codec/event_codec.hpp"
#include "tests/lab/clock/false_clock.hpp"
#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/sync/certificates.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using core::Lane;

constexpr std::int64_t kTenYears = 10LL * 365 * 86'400;
constexpr std::int64_t kBootTime = 5;  // 1970-01-01 00:00:05
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

class WrongClock : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(FalseClock::library().empty())
        << "libfaketime is missing: the lab of clocks cannot run (scripts/deps.sh)";
  }
  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  // What the hub stream holds of the lab's own category, as its gateway recorded it.
  struct Recorded {
    std::int64_t earliest_s = INT64_MAX;
    std::int64_t latest_s = 0;
    std::size_t ids = 0;  // distinct
    std::size_t events = 0;
  };
  static Recorded recorded(sync::HubOperator& hub) {
    Recorded out;
    std::set<std::string> ids;
    for (const auto& message : hub.all()) {
      const auto event = codec::decode_event(message.body);
      if (!event || event->category == "sluice") continue;
      const std::int64_t at = event->recorded.wall_ns / kNsPerSecond;
      out.earliest_s = std::min(out.earliest_s, at);
      out.latest_s = std::max(out.latest_s, at);
      ids.insert(event->id.text());
      ++out.events;
    }
    out.ids = ids.size();
    return out;
  }

  FalseClock clock_;
};

TEST_F(WrongClock, BootIn1970AndTheRightTimeLater) {
  NatsServer server;
  clock_.set_time(kBootTime);
  Site site({.nats_urls = {server.url()}, .environment = clock_.environment()});
  site.start();
  site.append_more(300);
  site.gateway().append(200);  // with ids that the gateway draws
  EXPECT_TRUE(site.waits_until([&] { return site.gateway().acked() > 400; }, 60s)) << site.logs();
  clock_.set_offset(0);
  site.append_more(300);
  site.gateway().append(200);
  expect_nothing_lost(site.judge("clock: 1970 at boot", 1), site);
  sync::HubOperator hub(server.url());
  const Recorded seen = recorded(hub);
  EXPECT_LT(seen.earliest_s, 86'400) << "the gateway never believed in 1970";
  EXPECT_GT(seen.latest_s, now() - 3600) << "the gateway never learned the time";
  EXPECT_EQ(seen.ids, seen.events);
  sync::expect_each_once(hub.all(), Lane::kTelemetry, 1, site.gateway().last());
}

TEST_F(WrongClock, JumpOfTenYearsAndBackTrimsNothingAndKeepsTheOrder) {
  NatsServer server;
  Site site({.nats_urls = {server.url()}, .environment = clock_.environment()});
  site.start();
  // More than a segment holds, so that there is something that could be trimmed.
  site.gateway().append(67'000);
  EXPECT_TRUE(site.waits_until([&] { return site.gateway().acked() > 66'500; }, 120s))
      << site.logs();
  const std::uint64_t runs = lab_runs(1);
  for (std::uint64_t run = 0; run < runs; ++run) {
    clock_.set_offset(kTenYears);
    site.append_more(400);
    clock_.set_offset(0);
    site.append_more(400);
    clock_.set_offset(-kTenYears);
    site.append_more(400);
    clock_.set_offset(0);
    site.append_more(100);
  }
  expect_nothing_lost(site.judge("clock: ten years forward and back", runs), site);
  EXPECT_EQ(site.gateway().first(), 1u) << "retention ran away with the clock";
  sync::HubOperator hub(server.url());
  sync::expect_each_once(hub.all(), Lane::kTelemetry, 1, site.gateway().last());
}

TEST_F(WrongClock, NoClockChipEveryStartIsIn1970) {
  NatsServer server;
  Site site({.nats_urls = {server.url()},
             .sections = "[log]\nrestart_wait_max = \"0ms\"",
             .environment = FalseClock::starts_at(kBootTime)});
  site.start();
  const std::uint64_t runs = lab_runs(3);
  auto& gateway = site.gateway();
  for (std::uint64_t run = 0; run < runs; ++run) {
    site.append_more(200);
    gateway.append(50);
    gateway.sluiced->kill();
    gateway.uplink->kill();
    gateway.start();
  }
  site.append_more(200);
  gateway.append(50);
  expect_nothing_lost(site.judge("clock: no RTC, every start in 1970", runs), site);
  sync::HubOperator hub(server.url());
  const Recorded seen = recorded(hub);
  EXPECT_LT(seen.latest_s, 86'400);
  EXPECT_EQ(seen.ids, seen.events) << "ids of one start came again in another";
}

TEST_F(WrongClock, TlsLinkIsMadeIn1970ByCertificatesOlderThanTheProgram) {
  auto last_month = FalseClock::starts_at(now() - 30 * 86'400);
  const Certificates certificates(last_month, "300");
  NatsServer server({.config = certificates.server_config("server", false)});
  TcpProxy link(server.port());
  nats::LoginSettings login;
  login.ca_file = certificates.at("ca.pem");
  clock_.set_time(kBootTime);
  Site site({.nats_urls = {"tls://127.0.0.1:" + std::to_string(server.port())},
             .gateway_url = link.url("tls"),
             .uplink = "ca_file = \"" + login.ca_file + "\"",
             .login = login,
             .environment = clock_.environment()});
  site.start();
  site.append_more(300);
  EXPECT_TRUE(site.waits_until([&] { return site.gateway().acked() > 200; }, 60s)) << site.logs();
  // Ten years ahead the certificate is over: nothing ends, and with the time the link comes back.
  clock_.set_offset(kTenYears);
  link.cut();
  EXPECT_TRUE(
      site.waits_until([&] { return site.gateway().last() > site.gateway().acked() + 300; }, 60s))
      << "a certificate that is over was taken";
  EXPECT_NE(site.gateway().link("state"), "up");
  clock_.set_offset(0);
  EXPECT_TRUE(
      site.waits_until([&] { return site.gateway().last() < site.gateway().acked() + 100; }, 60s))
      << site.logs();
  expect_nothing_lost(site.judge("clock: TLS in 1970 and ten years ahead", 1), site);
}

// The floor is no way around a certificate: of one that is younger than the program it says
// nothing.
TEST_F(WrongClock, TlsWaitsForTheTimeWhereTheCertificateIsYoungerThanTheProgram) {
  const Certificates certificates;
  NatsServer server({.config = certificates.server_config("server", false)});
  nats::LoginSettings login;
  login.ca_file = certificates.at("ca.pem");
  clock_.set_time(kBootTime);
  Site site({.nats_urls = {"tls://127.0.0.1:" + std::to_string(server.port())},
             .uplink = "ca_file = \"" + login.ca_file + "\"",
             .login = login,
             .environment = clock_.environment()});
  site.start();
  site.append_more(300);
  auto& gateway = site.gateway();
  EXPECT_TRUE(site.waits_until([&] { return !gateway.link("last_error").empty(); }, 60s));
  EXPECT_EQ(gateway.acked(), 0u);
  clock_.set_offset(0);
  EXPECT_TRUE(site.waits_until([&] { return gateway.last() < gateway.acked() + 100; }, 60s))
      << site.logs();
  expect_nothing_lost(site.judge("clock: TLS in 1970, certificate of today", 1), site);
}

}  // namespace
}  // namespace sluice::test
