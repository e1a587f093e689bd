// SPDX-License-Identifier: Apache-2.0
// Everything at once: link, hub and gateway break at random moments, one upon the other, from a
// seed.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/random.hpp"
#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Way = TcpProxy::Way;

std::uint64_t seed() {
  const char* text = std::getenv("SLUICE_LAB_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

class Storm : public testing::Test {
 protected:
  void SetUp() override { site_.start(); }

  void rest(std::uint64_t at_most_ms) {
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::milliseconds(50 + random_.below(at_most_ms));
    site_.waits_until([&] { return std::chrono::steady_clock::now() >= until; }, 10s);
  }

  void break_something() {
    const Way way = random_.below(2) == 0 ? Way::kUp : Way::kDown;
    switch (random_.below(10)) {
      case 0:
        return link_.cut();
      case 1:
        return link_.cut_after(way, random_.below(50'000));
      case 2:
        return link_.silent_after(way, random_.below(20'000));
      case 3:
        return link_.half_open();
      case 4:
        return link_.refuse();
      case 5:
        return link_.set_delay(way, std::chrono::milliseconds(random_.below(300)));
      case 6:
        return link_.set_rate(way, 2'000 + random_.below(100'000));
      case 7:
        server_.kill();
        rest(1000);
        return server_.start();
      case 8:
        return site_.gateway().uplink->kill();  // started again by its supervisor
      default:
        site_.gateway().sluiced->kill();
        rest(300);
        return site_.gateway().start_sluiced();
    }
  }
  void mend_the_link() {
    link_.resume();
    link_.set_delay(0ms);
    link_.set_rate(0);
  }

  core::SeededRandom random_{seed()};
  NatsServer server_;
  TcpProxy link_{server_.port()};
  Site site_{{.nats_urls = {server_.url()},
              .gateway_url = link_.url(),
              .uplink = "connect_timeout = \"2s\"\nack_timeout = \"3s\"",
              .sections = "[log]\nrestart_wait_max = \"0ms\""}};
};

TEST_F(Storm, OfAllFaultsAtOnceLosesNothing) {
  RecordProperty("seed", std::to_string(seed()));
  const std::uint64_t runs = lab_runs(30);
  for (std::uint64_t run = 0; run < runs; ++run) {
    break_something();
    rest(1200);
    // Two of three times the next fault finds this one still there.
    if (random_.below(3) == 0) mend_the_link();
    if (run % 10 == 9) {
      mend_the_link();
      site_.append_more(50);
    }
  }
  mend_the_link();
  site_.append_more(100);
  expect_nothing_lost(site_.judge("all at once, seeded", runs), site_);
}

}  // namespace
}  // namespace sluice::test
