// SPDX-License-Identifier: Apache-2.0
// Several sluice-hub share ten shards of one model in a real PostgreSQL: joining, leaving, killed,
// and one that stood still and wakes up late. Each event counts once, and few shards move.
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <set>

#include "core/write_token.hpp"
#include "sync/nats/hub_rights.hpp"
#include "tests/hub/event_reader.hpp"
#include "tests/hub/workers_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::TestPublisher;
using test::WorkersTest;

TEST_F(WorkersTest, JoinLeaveAndDieWithEachEventOnce) {
  open_lanes();
  auto a = worker("a");
  ASSERT_TRUE(eventually([&] { return settled({a.get()}, {10}); })) << a->log();
  publish(2, 40);
  auto b = worker("b");
  auto c = worker("c");
  publish(41, 80);
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get(), c.get()}, {4, 3, 3});
  })) << a->log()
      << b->log() << c->log();
  ASSERT_TRUE(eventually([&] { return each_once(*b); })) << a->log() << b->log() << c->log();

  const Owners three = owners(*a);
  EXPECT_EQ(c->terminate(), 0) << c->log();
  publish(81, 120);
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get()}, {5, 5});
  })) << a->log()
      << b->log();
  EXPECT_EQ(moves(three, owners(*a)), 3u + (loads(three)[0] == 4 ? 0u : 1u));
  ASSERT_TRUE(eventually([&] { return each_once(*a); })) << a->log() << b->log();

  b->kill();
  publish(121, 160);
  ASSERT_TRUE(eventually([&] { return settled({a.get()}, {10}) && each_once(*a); })) << a->log();
}

TEST_F(WorkersTest, EachIsReadyAndLeavesTheOthersShardsToThem) {
  open_lanes();
  auto a = worker("a");
  auto b = worker("b");
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get()}, {5, 5});
  })) << a->log()
      << b->log();
  publish(2, 10);
  for (const HubProgram* hub : {a.get(), b.get()}) {
    EXPECT_TRUE(eventually([&] { return hub->get("/readyz").status == 200; }))
        << hub->get("/readyz").body;
    const auto document = hub->json("/v1/models");
    const auto& model = document.at("models").as_array().at(0).as_object();
    EXPECT_EQ(model.at("state").as_string(), "running");
    const auto& shards = model.at("shards").as_array();
    EXPECT_EQ(std::count_if(shards.begin(), shards.end(),
                            [](const auto& one) {
                              return one.as_object().at("state").as_string() == "elsewhere";
                            }),
              5);
    // How far a shard's hub stream goes is not known to who does not read it.
    for (const auto& [name, value] : hub->get("/v1/models/pumps/events?limit=1").headers)
      EXPECT_FALSE(name.starts_with("Sluice-Lag")) << name << ": " << value;
    const std::string metrics = hub->get("/metrics").body;
    std::size_t told = 0;
    for (int i = 0; i < kShards; ++i)
      told += metrics.find("sluice_hub_position{model=\"pumps\",shard=\"" + shard(i) + "\"}") !=
              std::string::npos;
    EXPECT_EQ(told, 5u) << "each shard's figures come from who reads it";
  }
}

// As after nats-server was given back an older copy of its store: the leases' revisions, which
// tokens come from, are behind what the read model has seen.
TEST_F(WorkersTest, LeasesThatWentBackDoNotShutTheWorkersOut) {
  open_lanes();
  auto a = worker("a");
  auto b = worker("b");
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get()}, {5, 5});
  })) << a->log()
      << b->log();
  publish(2, 20);
  ASSERT_TRUE(eventually([&] { return each_once(*a); })) << a->log() << b->log();
  postgres_.query("UPDATE \"pumps__v1\"._sluice_fence SET token = token + 1000000");
  publish(21, 40);
  EXPECT_TRUE(eventually([&] { return each_once(*a); }, 40s)) << a->log() << b->log();
  EXPECT_TRUE(eventually(
      [&] {
        return settled({a.get(), b.get()}, {5, 5});
      },
      40s))
      << a->log() << b->log();
  publish(41, 60);
  EXPECT_TRUE(eventually([&] { return each_once(*b); }, 40s)) << a->log() << b->log();
}

TEST_F(WorkersTest, OneThatStoodStillIsFencedOff) {
  open_lanes();
  auto a = worker("a");
  auto b = worker("b");
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get()}, {5, 5});
  })) << a->log()
      << b->log();
  publish(2, 20);
  ASSERT_TRUE(eventually([&] { return each_once(*a); })) << a->log() << b->log();
  for (int round = 0; round < 2; ++round) {
    const auto from = static_cast<core::Seq>(21 + 60 * round);
    publish(from, from + 29);
    a->process().signal(SIGSTOP);
    publish(from + 30, from + 59);
    ASSERT_TRUE(eventually([&] { return loads(owners(*b)) == Sizes{10} && each_once(*b); }, 40s))
        << b->log();
    a->process().signal(SIGCONT);
    ASSERT_TRUE(eventually(
        [&] {
          return settled({a.get(), b.get()}, {5, 5});
        },
        40s))
        << a->log() << b->log();
    ASSERT_TRUE(eventually([&] { return each_once(*a); })) << a->log() << b->log();
  }
  EXPECT_GE(a->metric("sluice_hub_leases_lost_total"), 5);
}

// It begins again and again, and does not get on: no new session may look like progress.
TEST_F(WorkersTest, AFencedShardIsSeenToStandStill) {
  open_lanes();
  auto a = worker("a");
  ASSERT_TRUE(eventually([&] { return settled({a.get()}, {10}); })) << a->log();
  publish(2, 20);
  ASSERT_TRUE(eventually([&] { return each_once(*a); })) << a->log();
  const auto shard_0 = [&] {
    const auto models = a->json("/v1/models").at("models").as_array();
    return core::json::object(models.at(0).as_object().at("shards").as_array().at(0).as_object());
  };
  const std::int64_t sessions = shard_0().at("sessions").as_int64();
  // Nobody may write: as a version that was closed, of which this worker cannot know.
  postgres_.query("UPDATE \"pumps__v1\"._sluice_fence SET token = 9223372036854775807");
  publish(21, 40);
  ASSERT_TRUE(eventually([&] { return shard_0().at("sessions").as_int64() >= sessions + 4; }))
      << a->log();
  const auto seen = shard_0();
  EXPECT_GE(seen.at("moved_s_ago").as_int64(), 1) << core::to_json(seen);
  EXPECT_GT(seen.at("lag").as_int64(), 0) << core::to_json(seen);
  EXPECT_EQ(a->log().find("is no longer the highest"), std::string::npos) << a->log();
  postgres_.query("UPDATE \"pumps__v1\"._sluice_fence SET token = 1");
  EXPECT_TRUE(eventually([&] { return each_once(*a); }, 40s)) << a->log();
}

TEST_F(WorkersTest, OneOfThemVerifiesByTheClock) {
  open_lanes();
  const std::string often = "verify_interval = \"1s\"\n";
  auto a = worker("a", test::kPumpsModel, "2s", often);
  auto b = worker("b", test::kPumpsModel, "2s", often);
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  publish(2, 20);
  const bool has_a = owners(*a).at(shard(0)) == "a";
  auto& first = has_a ? a : b;
  auto& second = has_a ? b : a;
  const auto verified_at = [](const HubProgram& hub) {
    return hub.metric("sluice_hub_verify_last_seconds{model=\"pumps\"}");
  };
  ASSERT_TRUE(eventually([&] { return verified_at(*first) > 0; }, 40s)) << first->log();
  double once = verified_at(*first);
  ASSERT_TRUE(eventually([&] { return verified_at(*first) > once + 1; }, 40s)) << first->log();
  once = verified_at(*first);
  const double other = verified_at(*second);  // the turn may have been its own at the start
  ASSERT_TRUE(eventually([&] { return verified_at(*first) > once + 2; }, 40s)) << first->log();
  EXPECT_EQ(verified_at(*second), other) << second->log();
  EXPECT_EQ(first->process().terminate(), 0) << first->log();
  EXPECT_TRUE(eventually([&] { return verified_at(*second) > other; }, 40s)) << second->log();
}

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [known, value] : response.headers)
    if (known == name) return value;
  return {};
}

// What any worker answers is true of what all of them wrote, and holds with any other and after a
// start.
TEST_F(WorkersTest, AnETagIsThatOfTheRowsWhicheverWorkerWroteThem) {
  open_lanes();
  auto a = worker("a");
  auto b = worker("b");
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  const std::string rows = "/v1/models/pumps/events?limit=1000";
  for (int i = 0; i < kShards; ++i) {  // some of them each worker's own
    const std::string before = header_of(a->get(rows), "ETag");
    ASSERT_FALSE(before.empty());
    publisher_.events(lane(i), 2, 2);
    published_ += 1;
    ASSERT_TRUE(eventually([&] { return each_once(*b); })) << b->log();
    for (const auto* hub : {a.get(), b.get()}) {
      const auto answer = hub->get_with(rows, {{"If-None-Match", before}});
      EXPECT_EQ(answer.status, 200u) << "a stale 304 after an event of shard " << i;
      EXPECT_EQ(hub->get_with(rows, {{"If-None-Match", header_of(answer, "ETag")}}).status, 304u);
    }
  }
  const std::string tag = header_of(a->get(rows), "ETag");
  EXPECT_EQ(b->get_with(rows, {{"If-None-Match", tag}}).status, 304u) << "as with any other";
  // What changes no row of the table changes no tag; another table has its own.
  EXPECT_NE(header_of(a->get("/v1/models/pumps/readings"), "ETag"), tag);
  EXPECT_EQ(a->terminate(), 0);
  a->start();
  EXPECT_EQ(a->get_with(rows, {{"If-None-Match", tag}}).status, 304u) << "nothing has changed";
  publisher_.events(lane(0), 3, 3);
  published_ += 1;
  ASSERT_TRUE(eventually([&] { return each_once(*b); })) << b->log();
  EXPECT_EQ(a->get_with(rows, {{"If-None-Match", tag}}).status, 200u);
}

// A follower of one worker hears of what the others write, and a reader of its own writes waits for
// it there.
TEST_F(WorkersTest, AFollowerOfOneWorkerHearsOfWhatTheOthersWrite) {
  open_lanes();
  auto a = worker("a");
  auto b = worker("b");
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  test::EventReader reader(*a, "/v1/models/pumps/events/follow?limit=1000");
  std::set<std::string> rows;  // that the follower has
  for (int i = 0; i < kShards; ++i) {
    publisher_.events(lane(i), 2, 2);
    published_ += 1;
    const auto began = std::chrono::steady_clock::now();
    while (rows.size() != static_cast<std::size_t>(published_.load())) {
      const auto sent = reader.next();
      ASSERT_FALSE(sent.event.empty()) << "nothing came of shard " << i << a->log();
      if (sent.event == "reset") rows.clear();
      if (!sent.data.contains("rows")) continue;
      for (const auto& row : sent.data.at("rows").as_array())
        rows.insert(std::string(row.as_object().at("gateway").as_string()) +
                    core::to_json(row.as_object().at("seq")));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  }
  for (int i = 0; i < kShards; ++i) {
    publisher_.events(lane(i), 3, 3);
    published_ += 1;
    const std::string token = core::write_token(lane(i).gateway, lane(i).epoch, lane(i).lane, 3);
    for (const auto* hub : {a.get(), b.get()}) {
      const auto answer = hub->get("/v1/models/pumps/events?wait=10s&after=" + token);
      EXPECT_EQ(answer.status, 200u) << answer.body;
    }
  }
}

// With the rights that `sluice provision --workers` prints, and no more.
TEST(WorkersRightsTest, WorkersShareShardsWithTheRightsThatProvisionPrints) {
  const nats::Rights rights = nats::hub_rights("fleet", {"main", "north"}, true);
  test::NatsServer server(
      {.config =
           "authorization { users = [ { user: admin, password: a }, { user: hub, password: b, " +
           nats::permissions_text(rights) + " } ] }"});
  const std::string admin = "nats://admin:a@127.0.0.1:" + std::to_string(server.port());
  std::set<std::string> printed;
  for (const char* shard : {"main", "north"}) {
    const auto done = test::run({test::program("sluice"), "provision", "--workers", "--shard",
                                 shard, "--hub-name", "fleet", "--max-bytes", "64MiB",
                                 "--keep-forever", "--json", "--nats", admin});
    ASSERT_EQ(done.code, 0) << done.output;
    const auto document = core::parse_json(done.out);
    ASSERT_TRUE(document) << done.out;
    const auto& told = document->as_object().at("worker_rights").as_object();
    for (const auto& subject : told.at("publish").as_array())
      printed.insert(std::string(subject.as_string()));
    EXPECT_EQ(core::to_json(told.at("subscribe")), R"(["_INBOX_HUB_fleet.>"])");
  }
  EXPECT_EQ(printed, std::set<std::string>(rights.publish.begin(), rights.publish.end()));

  TestPublisher publisher(admin);
  test::PostgresServer postgres;
  test::TempDir folder;
  const auto worker = [&](const std::string& name) {
    HubProgram::Options options;
    options.model = "target = \"postgres\"\n" + std::string(test::kPumpsModel);
    options.more = "name = \"fleet\"\nshards = [\"main\", \"north\"]\nworkers = true\nworker = \"" +
                   name + "\"\nlease_ttl = \"2s\"\ncheck_interval = \"1s\"\npostgres = \"" +
                   postgres.conninfo() + "\"\nuser_file = \"" +
                   folder.write("user", "hub\n").string() + "\"\npassword_file = \"" +
                   folder.write("password", "b\n").string() + "\"\n";
    return std::make_unique<HubProgram>(server.url(), options);
  };
  const auto a = worker("a");
  const auto b = worker("b");
  const auto loads = [](const HubProgram& hub) {
    std::map<std::string, int> count;
    const auto document = hub.json("/v1/workers");
    for (const auto& one : document.at("shards").as_array())
      if (one.as_object().at("worker").is_string())
        ++count[std::string(one.as_object().at("worker").as_string())];
    return count;
  };
  const std::map<std::string, int> shared{{"a", 1}, {"b", 1}};
  ASSERT_TRUE(eventually([&] { return loads(*a) == shared && loads(*b) == shared; }))
      << a->log() << b->log();
  for (const char* shard : {"main", "north"}) {
    const TestPublisher::Lane lane{shard, std::string("gateway-") + shard};
    publisher.epoch_opened(lane, 1);
    publisher.events(lane, 2, 20);
  }
  ASSERT_TRUE(eventually([&] { return a->effects() == 2 * (20 - 1); })) << a->log() << b->log();
  // One gives back, and one dies: the other takes over and goes on.
  a->kill();
  ASSERT_TRUE(eventually([&] { return loads(*b)["b"] == 2; })) << b->log();
  for (const char* shard : {"main", "north"})
    publisher.events({shard, std::string("gateway-") + shard}, 21, 30);
  ASSERT_TRUE(eventually([&] { return b->effects() == 2 * (30 - 1); })) << b->log();
  EXPECT_EQ(b->terminate(), 0) << b->log();
  EXPECT_EQ(a->log().find("ermission"), std::string::npos) << a->log();
  EXPECT_EQ(b->log().find("ermission"), std::string::npos) << b->log();
}

TEST_F(WorkersTest, ASecondWorkerOfOneNameEnds) {
  auto a = worker("a");
  ASSERT_TRUE(eventually([&] { return settled({a.get()}, {10}); })) << a->log();
  auto twin = worker("a");
  EXPECT_TRUE(eventually([&] { return !twin->process().running(); })) << twin->log();
  EXPECT_NE(twin->log().find("give each a name of its own"), std::string::npos) << twin->log();
  EXPECT_TRUE(settled({a.get()}, {10})) << a->log();
}

}  // namespace
}  // namespace sluice
