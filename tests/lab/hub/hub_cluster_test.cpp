// SPDX-License-Identifier: Apache-2.0
// Three servers, a hub stream of three replicas, and its leader killed while a backlog drains.
#include <gtest/gtest.h>

#include "tests/lab/site/site.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

class Cluster {
 public:
  Cluster() {
    std::vector<std::uint16_t> routes;
    for (int i = 0; i < 3; ++i) routes.push_back(free_port());
    std::string urls;
    for (const auto port : routes)
      urls += (urls.empty() ? "\"nats://127.0.0.1:" : ", \"nats://127.0.0.1:") +
              std::to_string(port) + "\"";
    for (std::size_t i = 0; i < 3; ++i)
      servers_.push_back(std::make_unique<NatsServer>(NatsServer::Options{
          .config = "server_name: n" + std::to_string(i) +
                    "\ncluster { name: lab, listen: \"127.0.0.1:" + std::to_string(routes[i]) +
                    "\", routes: [" + urls + " ] }"}));
  }
  std::vector<std::string> urls() const {
    std::vector<std::string> out;
    for (const auto& server : servers_) out.push_back(server->url());
    return out;
  }
  // The one that leads the hub stream now, nullptr while nobody does.
  NatsServer* leader() {
    for (auto& server : servers_) {
      if (!server->running()) continue;
      nats::ConnectionOptions options;
      options.login.urls = {server->url()};
      const auto connection = nats::Connection::connect(options);
      if (!connection) continue;
      const auto answer = (*connection)->request("$JS.API.STREAM.INFO.EVENTS-main", "", 2s);
      if (!answer) continue;
      const auto info = core::parse_json(answer->payload());
      if (!info || !info->as_object().contains("cluster")) continue;
      const auto* name = info->at("cluster").as_object().if_contains("leader");
      if (name == nullptr || name->as_string().size() != 2) continue;
      return servers_[static_cast<std::size_t>(name->as_string()[1] - '0')].get();
    }
    return nullptr;
  }

 private:
  std::vector<std::unique_ptr<NatsServer>> servers_;
};

TEST(HubCluster, LeaderKilledInTheMiddleOfADrainLosesNothing) {
  Cluster cluster;
  Site site({.nats_urls = cluster.urls(), .replicas = 3});
  site.start_without_uplink();
  site.add_device({.events_at_once = 200, .pause = 0ms});
  site.append_more(20'000);
  site.devices().front()->stop();  // a backlog, and from now on what a device sends in peace
  site.add_device({});
  auto& gateway = site.gateway();
  gateway.start_uplink();
  const std::uint64_t runs = lab_runs(2);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto from = gateway.acked();
    EXPECT_TRUE(site.waits_until([&] { return gateway.acked() > from + 2000; }, 60s))
        << site.logs();
    EXPECT_GT(gateway.last(), gateway.acked() + 500) << "nothing was in the middle";
    NatsServer* leader = nullptr;
    ASSERT_TRUE(site.waits_until([&] { return (leader = cluster.leader()) != nullptr; }, 60s));
    leader->kill();
    const auto at = gateway.acked();
    EXPECT_TRUE(site.waits_until([&] { return gateway.acked() > at + 1000; }, 90s)) << site.logs();
    leader->start();
  }
  expect_nothing_lost(site.judge("hub: leader of three killed in mid-drain", runs, 180s), site);
}

}  // namespace
}  // namespace sluice::test
