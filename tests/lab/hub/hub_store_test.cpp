// SPDX-License-Identifier: Apache-2.0
// nats-server dies, hangs and forgets, under a gateway at work: before, during and after.
#include <gtest/gtest.h>

#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using core::Lane;

class HubStore : public testing::Test {
 protected:
  void SetUp() override { site_.start(); }

  // Nothing waits: the fault finds an uplink that is quite sure.
  void drain() {
    EXPECT_TRUE(site_.waits_until([&] { return backlog() < 50; }, 60s)) << site_.logs();
  }
  core::Seq backlog() { return site_.gateway().last() - site_.gateway().acked(); }
  // The fault was one: the gateway went on taking events and could not send them.
  void expect_backlog(core::Seq events) {
    EXPECT_TRUE(site_.waits_until([&] { return backlog() >= events; }, 90s)) << site_.logs();
  }
  void expect_hub_stream_is_whole() {
    sync::HubOperator hub(server_.url());
    const auto lacking = [&] {
      return site_.gateway().last() - sync::seqs_of(hub.all(), Lane::kTelemetry).size();
    };
    EXPECT_TRUE(site_.waits_until([&] { return lacking() == 0; }, 60s)) << lacking();
  }

  NatsServer server_;
  Site site_{{.nats_urls = {server_.url()}}};
};

TEST_F(HubStore, KilledServerLosesNothingAndLeavesNoHole) {
  const std::uint64_t runs = lab_runs(5);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(150);
    server_.kill();
    if (run % 2 == 0) expect_backlog(100);
    server_.start();
    site_.append_more(150);
  }
  expect_nothing_lost(site_.judge("hub: nats-server killed", runs), site_);
  expect_hub_stream_is_whole();
}

TEST_F(HubStore, PausedServerLosesNothing) {
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(150);
    server_.pause();
    const auto until = std::chrono::steady_clock::now() + (run % 2 == 0 ? 4s : 25s);
    expect_backlog(100);
    site_.waits_until([&] { return std::chrono::steady_clock::now() > until; }, 60s);
    server_.resume();
    site_.append_more(150);
  }
  expect_nothing_lost(site_.judge("hub: nats-server paused (SIGSTOP)", runs), site_);
  expect_hub_stream_is_whole();
}

TEST_F(HubStore, DeletedStoreIsFilledAgain) {
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(300);
    drain();
    server_.kill();
    server_.delete_store();
    site_.append_more(100);
    server_.start();
    site_.provision();
    site_.append_more(150);
  }
  expect_nothing_lost(site_.judge("hub: store deleted", runs), site_);
  expect_hub_stream_is_whole();
}

TEST_F(HubStore, StoreCutBackToAnOlderCopyGetsTheRestAgain) {
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(200);
    TempDir copies;
    server_.stop();
    server_.copy_store(copies / "store");
    server_.start();
    site_.append_more(400);
    drain();
    server_.kill();
    server_.restore_store(copies / "store");
    site_.append_more(100);
    server_.start();
    site_.append_more(200);
  }
  expect_nothing_lost(site_.judge("hub: store cut back to an older copy", runs), site_);
  expect_hub_stream_is_whole();
}

TEST_F(HubStore, DeletedHubStreamIsFilledAgainWhenItIsMade) {
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    site_.append_more(200);
    sync::HubOperator(server_.url()).ask("STREAM.DELETE.EVENTS-main");
    EXPECT_TRUE(site_.waits_until(
        [&] {
          return site_.gateway().link("last_error").find("sluice provision") != std::string::npos;
        },
        60s))
        << site_.gateway().link("last_error") << site_.logs();
    expect_backlog(100);
    site_.provision();
    site_.append_more(200);
  }
  expect_nothing_lost(site_.judge("hub: stream missing", runs), site_);
  expect_hub_stream_is_whole();
}

}  // namespace
}  // namespace sluice::test
