// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::test {

// Workers that share ten shards of one model in a real PostgreSQL.
class WorkersTest : public testing::Test {
 protected:
  static constexpr int kShards = 10;
  using Sizes = std::vector<std::size_t>;
  using Owners = std::map<std::string, std::string>;

  WorkersTest() {
    for (int i = 0; i < kShards; ++i) publisher_.make_hub_stream(shard(i));
    publisher_.request("$JS.API.STREAM.CREATE.KV_SLUICE-LEASES",
                       R"({"name":"KV_SLUICE-LEASES","subjects":["$KV.SLUICE-LEASES.>"],)"
                       R"("retention":"limits","storage":"file","discard":"new","num_replicas":1,)"
                       R"("max_consumers":-1,"max_msgs":-1,"max_bytes":8388608,"max_age":0,)"
                       R"("max_msgs_per_subject":1,"max_msg_size":-1,"allow_direct":true,)"
                       R"("allow_rollup_hdrs":true,"duplicate_window":120000000000})");
  }
  static std::string shard(int i) { return "s" + std::to_string(i); }
  static std::string in_postgres(const std::string& model) {
    return "target = \"postgres\"\n" + model;
  }

  // `model`: what its file says; `more`: further lines of [hub].
  std::unique_ptr<HubProgram> worker(const std::string& name,
                                     const std::string& model = kPumpsModel,
                                     const std::string& lease_ttl = "2s",
                                     const std::string& more = "") {
    std::string shards;
    for (int i = 0; i < kShards; ++i) shards += (i == 0 ? "\"" : ", \"") + shard(i) + "\"";
    HubProgram::Options options;
    options.model = in_postgres(model);
    options.more = "shards = [" + shards + "]\nworkers = true\nworker = \"" + name +
                   "\"\nlease_ttl = \"" + lease_ttl + "\"\npostgres = \"" + postgres_.conninfo() +
                   "\"\n" + more;
    return std::make_unique<HubProgram>(server_.url(), options);
  }
  static Owners owners(const HubProgram& hub) {
    Owners out;
    const auto document = hub.json("/v1/workers");
    for (const auto& one : document.at("shards").as_array()) {
      const auto& owner = one.as_object().at("worker");
      out[std::string(one.as_object().at("shard").as_string())] =
          owner.is_null() ? "" : std::string(owner.as_string());
    }
    return out;
  }
  static Sizes loads(const Owners& of) {
    std::map<std::string, std::size_t> count;
    for (const auto& [shard, owner] : of) ++count[owner];
    Sizes out;
    for (const auto& [owner, many] : count)
      if (!owner.empty()) out.push_back(many);
    std::sort(out.rbegin(), out.rend());
    return out;
  }
  static std::size_t moves(const Owners& before, const Owners& after) {
    std::size_t count = 0;
    for (const auto& [shard, owner] : before) count += after.at(shard) != owner ? 1 : 0;
    return count;
  }
  // Everyone sees it, and each reads what the others think it does.
  static bool settled(const std::vector<HubProgram*>& hubs, const Sizes& sizes) {
    const Owners first = owners(*hubs.front());
    if (loads(first) != sizes) return false;
    return std::all_of(hubs.begin(), hubs.end(),
                       [&](const HubProgram* hub) { return owners(*hub) == first; });
  }
  TestPublisher::Lane lane(int i) const {
    return {shard(i), "gateway-" + std::to_string(i), core::Epoch{0x1111}, core::Lane::kTelemetry};
  }
  void open_lanes() {
    for (int i = 0; i < kShards; ++i) publisher_.epoch_opened(lane(i), 1);
  }
  void publish(core::Seq from, core::Seq to) {
    for (int i = 0; i < kShards; ++i) publisher_.events(lane(i), from, to);
    published_ += static_cast<std::int64_t>(kShards * (to - from + 1));
  }
  // Each event has its row, and each row counts one effect.
  bool each_once(const HubProgram& hub) {
    if (hub.effects() != published_.load()) return false;
    const auto answer =
        postgres_.query("SELECT count(*), sum(n), max(n) FROM \"pumps\".\"events\"");
    const std::string all = std::to_string(published_.load());
    return answer.starts_with(all + "|" + all + "|1");
  }

  NatsServer server_;
  PostgresServer postgres_;
  TestPublisher publisher_{server_.url()};
  std::atomic<std::int64_t> published_{0};
};

}  // namespace sluice::test
