// SPDX-License-Identifier: Apache-2.0
// The kernel's own bad link: sluice-uplink in a network namespace whose only way out is thin, or
// drops every fifth packet.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/lab/link/net_namespace.hpp"
#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr int kDidNotRun = 77;  // ctest: SKIP_RETURN_CODE
const char* const kThin = "link: 64 kbit/s (network namespace)";
const char* const kLossy = "link: 20 % of packets dropped (network namespace)";

class NetLink : public testing::Test {
 protected:
  core::Seq backlog() { return site_.gateway().last() - site_.gateway().acked(); }

  NatsServer server_;
  NetNamespace space_;
  TcpProxy door_{server_.port(), space_.outer_address()};
  Site site_{
      {.nats_urls = {server_.url()}, .gateway_url = door_.url(), .uplink_prefix = space_.prefix()}};
};

TEST_F(NetLink, SixtyFourKilobitsASecondLoseNothing) {
  space_.limit_rate("64kbit");
  site_.start_without_uplink();
  site_.gateway().start_uplink();
  site_.add_device({.events_at_once = 2, .pause = 100ms});
  site_.append_more(400, 120s);
  EXPECT_TRUE(site_.waits_until([&] { return backlog() < 100; }, 120s)) << site_.logs();
  EXPECT_GT(door_.passed(TcpProxy::Way::kUp), 50'000u) << "the way led around the thin link";
  expect_nothing_lost(site_.judge(kThin, 1), site_);
}

TEST_F(NetLink, EveryFifthPacketDroppedLosesNothing) {
  space_.drop_percent(20);
  site_.start_without_uplink();
  site_.gateway().start_uplink();
  site_.add_device({.events_at_once = 5, .pause = 100ms});
  site_.append_more(500, 120s);
  expect_nothing_lost(site_.judge(kLossy, 1, 240s), site_);
  EXPECT_GT(space_.dropped(), 50u);
}

// Says loudly that this machine cannot make the link.
int did_not_run(const std::string& missing) {
  std::fprintf(stderr,
               "\n!!! The lab of network namespaces has NOT RUN here: %s is missing.\n"
               "!!! Run it as root, where iproute2 and nftables are (scripts/deps.sh).\n\n",
               missing.c_str());
  for (const char* fault : {kThin, kLossy})
    lab_report({.fault = std::string(fault) + " NOT RUN: needs " + missing, .reopened = false});
  return std::getenv("SLUICE_LAB_MUST_RUN") != nullptr ? 1 : kDidNotRun;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  const std::string missing = sluice::test::NetNamespace::missing();
  if (!missing.empty()) return sluice::test::did_not_run(missing);
  return RUN_ALL_TESTS();
}
