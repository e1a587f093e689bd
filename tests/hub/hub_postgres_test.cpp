// SPDX-License-Identifier: Apache-2.0
// sluice-hub with its read models in a real PostgreSQL, which is killed, paused, locked and filled
// up meanwhile: the hub says what is wrong, goes on by itself, and nothing is lost or counted
// twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::PostgresServer;
using testing::HasSubstr;

HubProgram::Options in_postgres(const std::string& conninfo) {
  HubProgram::Options options;
  options.model = std::string("target = \"postgres\"\n") + test::kPumpsModel;
  options.more = "postgres = \"" + conninfo + "\"\n";
  return options;
}

// The sum of all effects; -1 while nobody answers.
std::int64_t effects(const HubProgram& hub) {
  try {
    return hub.effects();
  } catch (const std::exception&) {
    return -1;
  }
}

// Counts what fits: a value of this type.
std::string counting_model(int version, const std::string& type) {
  return "target = \"postgres\"\nmodel = \"pumps\"\nversion = " + std::to_string(version) +
         "\n[where]\ncategories = [\"pump\"]\n[table.sums]\nkey = { gateway = \"$gateway\" }\n"
         "columns = { n = { type = \"int\", default = 0 }, last = \"" +
         type +
         "\" }\n[[table.sums.on]]\ntype = \"Measured\"\ncount = \"n\"\n"
         "set = { last = \".value\" }\n";
}

core::json::object pumps(const HubProgram& hub) {
  return core::json::object(hub.json("/v1/models").at("models").as_array().at(0).as_object());
}
bool serves(const HubProgram& hub, const std::string& version) {
  return pumps(hub).at("serving").as_string() == version;
}
bool builds(const HubProgram& hub, const std::string& state) {
  const auto building = pumps(hub).at("building");
  return building.is_object() && building.as_object().at("state").as_string() == state;
}
bool counted(const HubProgram& hub, std::int64_t n) {
  const auto rows = hub.json("/v1/models/pumps/sums").at("rows").as_array();
  return rows.size() == 1 && rows[0].as_object().at("n").as_int64() == n;
}
http::Response skip_parked(const HubProgram& hub) {
  const auto parked = hub.json("/v1/parked?model=pumps").at("parked").as_array();
  EXPECT_EQ(parked.size(), 1u);
  if (parked.empty()) return {};
  const std::string event(parked[0].as_object().at("event").as_string());
  return hub.post("/v1/parked/skip",
                  R"({"model":"pumps","reason":"bench","event":")" + event + "\"}");
}

class HubPostgresTest : public testing::Test {
 protected:
  HubPostgresTest() {
    publisher_.make_hub_stream("main");
    publisher_.epoch_opened({}, 1);
  }
  void publish(core::Seq count) {
    publisher_.events({}, next_, next_ + count - 1);
    next_ += count;
  }
  // Every event took effect, and each of them once.
  void expect_all(HubProgram& hub) {
    const auto sent = static_cast<std::int64_t>(next_ - 2);
    EXPECT_TRUE(eventually([&] { return effects(hub) == sent; }, 60s))
        << effects(hub) << " of " << sent << "\n"
        << hub.log();
    EXPECT_EQ(hub.row_count("/v1/models/pumps/events?limit=10000"), next_ - 2);
    EXPECT_EQ(hub.row_count("/v1/models/pumps/events?limit=10000&n__gt=1"), 0u);
    EXPECT_TRUE(hub.process().running());
  }
  static bool says(const HubProgram& hub, const std::string& words) {
    return eventually([&] { return hub.log().find(words) != std::string::npos; }, 30s);
  }

  test::NatsServer nats_;
  test::TestPublisher publisher_{nats_.url()};
  core::Seq next_ = 2;
};

TEST_F(HubPostgresTest, BothDatabasesAnswerWithTheSameJson) {
  PostgresServer server;
  HubProgram lite(nats_.url());
  HubProgram pg(nats_.url(), in_postgres(server.conninfo()));
  publish(300);
  expect_all(lite);
  expect_all(pg);
  for (const char* target : {"/v1/models/pumps/events?limit=1000", "/v1/models/pumps/readings",
                             "/v1/models/pumps/events?order=-value&limit=7&seq__gt=20"}) {
    const auto rows = [&](const HubProgram& hub) {
      return core::to_json(hub.json(target).at("rows"));
    };
    EXPECT_EQ(rows(lite), rows(pg)) << target;
  }
  EXPECT_EQ(server.query("SELECT count(*) FROM pumps.events"), "300");
}

TEST_F(HubPostgresTest, AServerThatIsKilledStoppedOrPausedLosesNothing) {
  PostgresServer server;
  HubProgram hub(nats_.url(), in_postgres(server.conninfo()));
  publish(200);
  expect_all(hub);
  server.kill();
  publish(200);
  EXPECT_TRUE(says(hub, "the read database is away")) << hub.log();
  for (const char* target : {"/v1/models", "/v1/holds", "/v1/parked"})
    EXPECT_EQ(hub.json(target).at("away").as_array().size(), 1u) << target;
  EXPECT_EQ(hub.metric(R"(sluice_hub_away{model="pumps"})"), 1);
  server.start();
  expect_all(hub);
  server.stop();
  publish(200);
  server.start();
  expect_all(hub);
  server.pause();
  publish(200);
  EXPECT_FALSE(eventually([&] { return !hub.process().running(); }, 2s));
  server.resume();
  expect_all(hub);
}

TEST_F(HubPostgresTest, ALockOfAnotherSessionIsWaitedForAndNamed) {
  PostgresServer server;
  HubProgram hub(nats_.url(), in_postgres(server.conninfo()));
  publish(100);
  expect_all(hub);
  std::thread other([&] {
    server.query("BEGIN; LOCK TABLE pumps__v1.readings IN SHARE MODE; SELECT pg_sleep(7); COMMIT");
  });
  EXPECT_TRUE(eventually([&] {
    return server.query(
               "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted"
               " AND locktype = 'relation'") != "0";
  }));
  publish(100);
  EXPECT_TRUE(says(hub, "another session has locked the read database")) << hub.log();
  other.join();
  expect_all(hub);
}

// The second event fits version 2 alone. Whoever gives it up while that takes version 1's place is
// heard by both, or told that there is nothing to give up.
TEST_F(HubPostgresTest, ADecisionDuringASwitchHoldsOrIsRefused) {
  PostgresServer server;
  publisher_.event({}, 2, "Measured", R"({"value":1})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"value":1.5})", "pump/2");
  auto options = in_postgres(server.conninfo());
  options.model = counting_model(1, "int");
  HubProgram hub(nats_.url(), options);
  ASSERT_TRUE(eventually([&] {
    return hub.json("/v1/parked?model=pumps").at("parked").as_array().size() == 1;
  })) << hub.log();
  std::thread reader(
      [&] { server.query("BEGIN; SELECT n FROM pumps.sums; SELECT pg_sleep(4); COMMIT"); });
  EXPECT_TRUE(eventually([&] {
    return server.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") !=
           "0";
  }));
  hub.folder().write("pumps.model.toml", counting_model(2, "real"));
  EXPECT_EQ(hub.post("/v1/models/reload", "{}").status, 200u);
  EXPECT_TRUE(eventually([&] { return builds(hub, "switching"); })) << hub.log();
  const auto skipped = skip_parked(hub);
  reader.join();
  EXPECT_TRUE(skipped.status == 200 || skipped.status == 404) << skipped.body;
  EXPECT_TRUE(eventually([&] { return skipped.status == 200 || serves(hub, "2"); })) << hub.log();
  EXPECT_TRUE(counted(hub, skipped.status == 200 ? 1 : 2)) << skipped.body;
}

// Version 2 had counted the event when an operator of version 1 gave it up.
TEST_F(HubPostgresTest, AVersionDoesNotReturnOverWhatWasGivenUpMeanwhile) {
  PostgresServer server;
  publisher_.event({}, 2, "Measured", R"({"value":1})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"value":1.5})", "pump/2");
  auto options = in_postgres(server.conninfo());
  options.model = counting_model(1, "int");
  HubProgram hub(nats_.url(), options);
  ASSERT_TRUE(eventually([&] { return counted(hub, 1); })) << hub.log();
  const std::string because = R"({"reason":"test"})";
  hub.folder().write("pumps.model.toml", counting_model(2, "real"));
  EXPECT_EQ(hub.post("/v1/models/reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serves(hub, "2"); })) << hub.log();
  EXPECT_TRUE(counted(hub, 2));
  EXPECT_EQ(hub.post("/v1/models/pumps/rollback", because).status, 200u);
  ASSERT_TRUE(eventually([&] { return serves(hub, "1"); })) << hub.log();
  ASSERT_TRUE(eventually(
      [&] { return hub.json("/v1/parked?model=pumps").at("parked").as_array().size() == 1; }));
  EXPECT_EQ(skip_parked(hub).status, 200u);
  EXPECT_EQ(hub.post("/v1/models/pumps/rollback", because).status, 200u);
  ASSERT_TRUE(eventually([&] { return builds(hub, "waiting"); })) << hub.log();
  EXPECT_TRUE(serves(hub, "1"));
  EXPECT_EQ(hub.post("/v1/models/pumps/rebuild", R"({"reason":"now","accept":true})").status, 200u);
  ASSERT_TRUE(eventually([&] { return serves(hub, "2"); })) << hub.log();
  EXPECT_TRUE(counted(hub, 2));
  EXPECT_EQ(hub.post("/v1/models/pumps/rebuild", because).status, 200u);
  ASSERT_TRUE(eventually([&] { return serves(hub, "2.2"); })) << hub.log();
  EXPECT_TRUE(counted(hub, 1));
}

// What the server does with the consumer of a reader that could not write for five minutes. The
// place is in the database, so that nothing hangs on the consumer.
TEST_F(HubPostgresTest, WithItsConsumerForgottenItReadsOnFromItsPlace) {
  PostgresServer server;
  HubProgram hub(nats_.url(), in_postgres(server.conninfo()));
  publish(100);
  expect_all(hub);
  server.pause();
  publish(200);
  const auto names = core::parse_json(publisher_.request("$JS.API.CONSUMER.NAMES.EVENTS-main", ""));
  ASSERT_TRUE(names);
  const auto& consumers = names->as_object().at("consumers").as_array();
  EXPECT_FALSE(consumers.empty());
  for (const auto& name : consumers)
    publisher_.request("$JS.API.CONSUMER.DELETE.EVENTS-main." + std::string(name.as_string()), "");
  server.resume();
  expect_all(hub);
  publish(50);
  expect_all(hub);
  EXPECT_EQ(hub.metric(R"(sluice_hub_begun_anew_total{model="pumps",shard="main"})"), 0);
}

TEST_F(HubPostgresTest, AHubThatStartsBeforeItsDatabaseServesTheOthersAndTakesItUp) {
  PostgresServer server;
  server.stop();
  auto options = in_postgres(server.conninfo());
  options.beside = test::kPumpsModel;
  options.beside.replace(options.beside.find("\"pumps\""), 7, "\"lite\"");
  HubProgram hub(nats_.url(), options);
  publish(100);
  EXPECT_TRUE(
      eventually([&] { return hub.row_count("/v1/models/lite/events?limit=1000") == 100; }, 30s))
      << hub.log();
  EXPECT_EQ(hub.get("/readyz").status, 503u);
  EXPECT_THAT(hub.get("/readyz").body, HasSubstr("pumps: the read database is away"));
  EXPECT_EQ(hub.get("/v1/models/pumps/readings").status, 503u);
  EXPECT_EQ(hub.json("/v1/models").at("models").as_array().size(), 1u);
  EXPECT_EQ(hub.json("/v1/models").at("away").as_array().size(), 1u);
  EXPECT_EQ(hub.metric(R"(sluice_hub_away{model="pumps"})"), 1);
  server.start();
  EXPECT_TRUE(eventually([&] { return hub.get("/readyz").status == 200u; }, 60s)) << hub.log();
  expect_all(hub);
  EXPECT_TRUE(hub.json("/v1/models").at("away").as_array().empty());
  EXPECT_EQ(hub.metric(R"(sluice_hub_away{model="pumps"})"), 0);
}

// The model file asks for a second version, of which there may not even be a schema when all goes
// down.
TEST_F(HubPostgresTest, AVersionUnderConstructionOutlivesAStartWithoutItsDatabase) {
  PostgresServer server;
  const auto options = in_postgres(server.conninfo());
  HubProgram hub(nats_.url(), options);
  publish(100);
  expect_all(hub);
  nats_.stop();
  std::string second = options.model;
  hub.folder().write("pumps.model.toml",
                     second.replace(second.find("version = 1"), 11, "version = 2"));
  hub.process().signal(SIGHUP);
  const auto built = [&](const char* state) {
    return server.query("SELECT count(*) FROM pumps._sluice_versions WHERE book LIKE '%" +
                        std::string(state) + "%'") == "1";
  };
  EXPECT_TRUE(eventually([&] { return built("building"); })) << hub.log();
  hub.kill();
  server.stop();
  hub.start();
  EXPECT_EQ(hub.get("/readyz").status, 503u);
  EXPECT_TRUE(hub.json("/v1/models").at("models").as_array().empty());
  server.start();
  nats_.start();
  EXPECT_TRUE(eventually(
      [&] {
        const auto models = hub.json("/v1/models").at("models").as_array();
        return models.size() == 1 && models[0].as_object().at("serving") == "2";
      },
      60s))
      << hub.log();
  expect_all(hub);
}

TEST_F(HubPostgresTest, AFullDiskIsNamedAndGoesByItself) {
  PostgresServer::Options options;
  options.disk_mib = 32;
  PostgresServer server(options);
  HubProgram hub(nats_.url(), in_postgres(server.create_database("small")));
  publish(100);
  expect_all(hub);
  server.fill_disk();
  publish(2000);
  EXPECT_TRUE(says(hub, "the read database's disk is full")) << hub.log();
  server.free_disk();
  expect_all(hub);
}

// PostgreSQL ends itself when its log cannot grow.
TEST_F(HubPostgresTest, AServerThatAFullLogEndedLosesNothing) {
  PostgresServer::Options options;
  options.disk_mib = 24;
  options.wal_on_disk = true;
  options.config = "max_wal_size = 8MB";
  PostgresServer server(options);
  HubProgram hub(nats_.url(), in_postgres(server.conninfo()));
  publish(100);
  expect_all(hub);
  server.fill_disk();
  publish(1000);
  EXPECT_THROW(server.query("CREATE TABLE much AS SELECT generate_series(1, 1000000)"),
               std::runtime_error);
  EXPECT_TRUE(says(hub, "the read database is away")) << hub.log();
  EXPECT_THAT(server.log(), HasSubstr("No space left on device"));
  server.kill();
  server.free_disk();
  server.start();
  expect_all(hub);
}

}  // namespace
}  // namespace sluice
