// SPDX-License-Identifier: Apache-2.0
// The link between gateway and hub is slow, breaks, and falls silent, under load.
#include <gtest/gtest.h>

#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/sync/certificates.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Way = TcpProxy::Way;

class Link : public testing::Test {
 protected:
  void start(std::size_t devices = 2) { site_.start(devices); }
  core::Seq backlog() { return site_.gateway().last() - site_.gateway().acked(); }
  void expect_backlog(core::Seq events) {
    EXPECT_TRUE(site_.waits_until([&] { return backlog() >= events; }, 60s)) << site_.logs();
  }
  void drain(std::chrono::seconds limit = 60s) {
    EXPECT_TRUE(site_.waits_until([&] { return backlog() < 200; }, limit)) << site_.logs();
  }
  void expect_appends_never_waited() {
    for (const auto& device : site_.devices()) EXPECT_LT(device->slowest(), 3s);
  }

  NatsServer server_;
  TcpProxy link_{server_.port()};
  Site site_{{.nats_urls = {server_.url()}, .gateway_url = link_.url()}};
};

TEST_F(Link, LatencyOf300MillisecondsLosesNothing) {
  link_.set_delay(150ms);
  start();
  site_.append_more(1500);
  expect_nothing_lost(site_.judge("link: 300 ms round trip", 1), site_);
}

TEST_F(Link, ThrottledLinkDrainsWhenItIsWideAgain) {
  start();
  site_.append_more(200);
  link_.set_rate(8'000);
  expect_backlog(1000);
  const auto acked = site_.gateway().acked();
  // Slow is not still: it gets on, whole windows at a time or not.
  EXPECT_TRUE(site_.waits_until([&] { return site_.gateway().acked() >= acked + 50; }, 60s));
  link_.set_rate(0);
  drain();
  site_.append_more(100);
  expect_nothing_lost(site_.judge("link: throttled to 64 kbit/s", 1), site_);
  expect_appends_never_waited();
}

TEST_F(Link, CutInMidFrameAtManyOffsetsLosesNothing) {
  start();
  const std::uint64_t runs = lab_runs(12);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto taken = link_.connections();
    const Way way = run % 3 == 2 ? Way::kDown : Way::kUp;
    // From the first bytes of the login up to the middle of a window, at no regular place.
    link_.cut_after(way, run % 2 == 0 ? run * 37 % 700 + 1 : run * 7919 % 60'000 + 1);
    if (run % 2 == 0) link_.cut();  // so that the cut falls into the next login
    EXPECT_TRUE(site_.waits_until([&] { return link_.connections() > taken; }, 60s))
        << run << site_.logs();
  }
  drain(90s);
  site_.append_more(100);
  expect_nothing_lost(site_.judge("link: cut in mid-frame", runs), site_);
  expect_appends_never_waited();
}

TEST_F(Link, HalfOpenConnectionIsLeft) {
  start();
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(150);
    drain();
    const auto taken = link_.connections();
    link_.half_open();
    link_.resume();  // a new connection would work: it must be asked for
    EXPECT_TRUE(site_.waits_until([&] { return link_.connections() > taken; }, 45s))
        << site_.logs();
    drain();
  }
  expect_nothing_lost(site_.judge("link: half-open TCP", runs), site_);
  expect_appends_never_waited();
}

TEST_F(Link, SilenceShorterAndLongerThanItsTimeoutsLosesNothing) {
  start();
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(150);
    link_.silent();
    const auto until = std::chrono::steady_clock::now() + (run % 2 == 0 ? 3s : 25s);
    site_.waits_until([&] { return std::chrono::steady_clock::now() > until; }, 60s);
    EXPECT_GT(backlog(), 100u);
    link_.resume();
    drain();
  }
  expect_nothing_lost(site_.judge("link: silent", runs), site_);
  expect_appends_never_waited();
}

TEST_F(Link, RefusedAndFlappingLinkLosesNothing) {
  start();
  const std::uint64_t runs = lab_runs(6);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(60);
    if (run % 2 == 0)
      link_.cut();
    else
      link_.refuse();
    site_.append_more(60);
    link_.resume();
  }
  drain();
  expect_nothing_lost(site_.judge("link: flapping, refused", runs), site_);
  expect_appends_never_waited();
}

TEST(LinkTls, SilenceInsideTheHandshakeIsLeftAndDelaysNoAppend) {
  const Certificates certificates;
  NatsServer server({.config = certificates.server_config("server", false)});
  TcpProxy link(server.port());
  nats::LoginSettings login;
  login.ca_file = certificates.at("ca.pem");
  const std::string url = "tls://127.0.0.1:" + std::to_string(server.port());
  Site site({.nats_urls = {url},
             .gateway_url = link.url("tls"),
             .uplink = "connect_timeout = \"2s\"\nca_file = \"" + login.ca_file + "\"",
             .login = login});
  site.start();
  auto& gateway = site.gateway();
  const auto backlog = [&] { return gateway.last() - gateway.acked(); };
  const std::uint64_t runs = lab_runs(6);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site.append_more(60);
    EXPECT_TRUE(site.waits_until([&] { return backlog() < 60; }, 60s)) << run << site.logs();
    // INFO comes in the clear and has some 400 bytes; then the server's part of the handshake, or
    // the client's first word.
    const auto taken = link.connections();
    if (run % 3 == 0)
      link.silent_after(Way::kUp, 1);
    else
      link.silent_after(Way::kDown, 500 + run * 173);
    link.cut();
    EXPECT_TRUE(
        site.waits_until([&] { return link.connections() > taken && backlog() > 400; }, 60s))
        << run << site.logs();
    link.resume();
  }
  expect_nothing_lost(site.judge("link: silent in a TLS handshake", runs), site);
  for (const auto& device : site.devices()) EXPECT_LT(device->slowest(), 3s);
}

}  // namespace
}  // namespace sluice::test
