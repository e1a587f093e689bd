// SPDX-License-Identifier: Apache-2.0
// One model whose database cannot be used, or was never made, keeps no other from its events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
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
using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr core::Seq kEvents = 100;

// Counts; `more` may be sections of its own.
std::string counting(const std::string& model, const std::string& more = {}, int version = 1) {
  return "model = \"" + model + "\"\nversion = " + std::to_string(version) +
         "\n[table.sums]\nkey = { gateway = \"$gateway\" }\n"
         "columns = { n = { type = \"int\", default = 0 } }\n"
         "[[table.sums.on]]\ntype = \"Measured\"\ncount = \"n\"\n" +
         more;
}
std::string in_postgres(const std::string& text) {
  return "target = \"postgres\"\n" + text;
}
// What PostgreSQL alone refuses.
std::string statement(const std::string& column) {
  return "[[on]]\ntype = \"Measured\"\ntouches = [\"sums\"]\n"
         "sql = { sqlite = \"UPDATE sums SET n = n\", postgres = \"UPDATE sums SET n = " +
         column + "\" }\n";
}
std::string view(const std::string& column) {
  return "[view.every]\nsql = { sqlite = \"SELECT n FROM sums\", postgres = \"SELECT " + column +
         " AS n FROM sums\" }\n";
}

class HubStartsTest : public testing::Test {
 protected:
  HubStartsTest() {
    publisher_.make_hub_stream("main");
    publisher_.epoch_opened({}, 1);
    publisher_.events({}, 2, kEvents + 1);
  }
  // A model of SQLite that is there in any case, and whatever else `options` says.
  static HubProgram::Options options(const std::string& more = {}) {
    HubProgram::Options out;
    out.model = counting("well");
    out.more = more;
    return out;
  }
  static bool counts(const HubProgram& hub, const std::string& model) {
    return eventually(
        [&] {
          const auto answer = hub.get("/v1/models/" + model + "/sums");
          const auto body = core::parse_json(answer.body);
          if (answer.status != 200 || !body) return false;
          const auto& rows = body->at("rows").as_array();
          return rows.size() == 1 &&
                 rows[0].at("n").as_int64() == static_cast<std::int64_t>(kEvents);
        },
        30s);
  }
  static core::json::object described(const HubProgram& hub, const std::string& model) {
    const auto all = hub.json("/v1/models");
    for (const auto& one : all.at("models").as_array())
      if (one.at("model").as_string() == model) return core::json::object(one.as_object());
    return {};
  }
  static std::string away(const HubProgram& hub) {
    std::string out;
    const auto all = hub.json("/v1/models");
    for (const auto& one : all.at("away").as_array())
      out += std::string(one.at("model").as_string()) + ": " +
             std::string(one.at("why").as_string()) + "\n";
    return out;
  }
  static http::Response reload(const HubProgram& hub) {
    return hub.post("/v1/models/reload", "{}");
  }

  test::NatsServer nats_;
  test::TestPublisher publisher_{nats_.url()};
};

TEST_F(HubStartsTest, AFileWithNothingInItIsMadeAnew) {
  HubProgram hub(nats_.url(), options());
  ASSERT_TRUE(counts(hub, "well")) << hub.log();
  ASSERT_EQ(hub.terminate(), 0);
  hub.folder().write("nn.model.toml", counting("nn"));
  hub.folder().write("state/nn-v1.db", "");
  hub.start();
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_EQ(described(hub, "nn").at("serving").as_string(), "1");
}

// Killed after the book was written: the definition may be another one by now.
TEST_F(HubStartsTest, WhatWasBegunAndNeverServedMayBeEditedAsItStands) {
  HubProgram hub(nats_.url(), options());
  ASSERT_TRUE(counts(hub, "well")) << hub.log();
  ASSERT_EQ(hub.terminate(), 0);
  const fs::path state = hub.folder() / "state";
  fs::copy_file(state / "well-v1.db", state / "nn-v1.db");
  hub.folder().write("state/nn.versions.json",
                     R"({"format":1,"taken":1,"versions":[{"version":"1","state":"building",)"
                     R"("since_ns":1,"reason":""}]})");
  hub.folder().write("nn.model.toml",
                     counting("nn", "[view.every]\nsql = \"SELECT n FROM sums\"\n"));
  hub.start();
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_EQ(hub.row_count("/v1/models/nn/every"), 1u);
}

TEST_F(HubStartsTest, ADatabaseThatServedAndIsGoneIsNamedUntilItIsBuiltAnew) {
  HubProgram hub(nats_.url(), options());
  ASSERT_TRUE(counts(hub, "well")) << hub.log();
  const auto rebuild = [&] {
    const auto begun = hub.post("/v1/models/well/rebuild", R"({"reason":"test"})");
    return begun.status == 200 &&
           eventually([&] { return described(hub, "well").at("building").is_null(); });
  };
  ASSERT_TRUE(rebuild()) << hub.log();
  EXPECT_EQ(described(hub, "well").at("serving").as_string(), "1.2");
  EXPECT_TRUE(described(hub, "well").at("lost").is_null());
  ASSERT_EQ(hub.terminate(), 0);
  for (const char* file : {"well-v1.2.db", "well-v1.2.db-wal", "well-v1.2.db-shm"})
    fs::remove(hub.folder() / "state" / file);
  hub.start();
  EXPECT_TRUE(counts(hub, "well")) << hub.log();
  EXPECT_EQ(described(hub, "well").at("serving").as_string(), "1");
  EXPECT_EQ(described(hub, "well").at("lost").as_string(), "1.2");
  EXPECT_THAT(hub.log(), HasSubstr("the database of the version that served is gone"));
  ASSERT_EQ(hub.terminate(), 0);
  hub.start();
  ASSERT_TRUE(counts(hub, "well")) << hub.log();
  EXPECT_EQ(described(hub, "well").at("lost").as_string(), "1.2") << "forgotten by a restart";
  ASSERT_TRUE(rebuild()) << hub.log();
  EXPECT_EQ(described(hub, "well").at("serving").as_string(), "1.3");
  EXPECT_TRUE(described(hub, "well").at("lost").is_null());
}

TEST_F(HubStartsTest, ADamagedDatabaseWaitsUntilItIsBuiltAnew) {
  auto two = options();
  two.beside = counting("nn");
  HubProgram hub(nats_.url(), two);
  ASSERT_TRUE(counts(hub, "nn")) << hub.log();
  ASSERT_EQ(hub.terminate(), 0);
  {
    std::fstream file(hub.folder() / "state/nn-v1.db",
                      std::ios::binary | std::ios::in | std::ios::out);
    const std::string dirt(8 * 4096, '\xa5');
    file.seekp(100);  // behind the header
    file << dirt;
  }
  hub.start();
  EXPECT_TRUE(counts(hub, "well")) << hub.log();
  EXPECT_THAT(away(hub), AllOf(HasSubstr("nn: "), HasSubstr("malformed"),
                               HasSubstr("sluice model rebuild nn")));
  EXPECT_EQ(hub.get("/v1/models/nn/sums").status, 503u);
  const auto rebuilt = hub.post("/v1/models/nn/rebuild", R"({"reason":"damaged"})");
  ASSERT_EQ(rebuilt.status, 200u) << rebuilt.body;
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_EQ(described(hub, "nn").at("serving").as_string(), "1.2");
  EXPECT_EQ(away(hub), "");
  ASSERT_EQ(hub.terminate(), 0);
  hub.start();
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
}

TEST_F(HubStartsTest, ASchemaWithNothingInItIsMadeAnew) {
  PostgresServer server;
  server.query("CREATE SCHEMA nn__v1");
  auto two = options("postgres = \"" + server.conninfo() + "\"");
  two.beside = in_postgres(counting("nn"));
  const HubProgram hub(nats_.url(), two);
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
}

TEST_F(HubStartsTest, WhatPostgresRefusesLeavesNothingAndIsTakenOnceItIsCorrected) {
  PostgresServer server;
  HubProgram hub(nats_.url(), options("postgres = \"" + server.conninfo() + "\""));
  ASSERT_TRUE(counts(hub, "well")) << hub.log();
  const std::string file = (hub.folder() / "nn.model.toml").string();
  // A new model.
  for (const std::string& wrong : {statement("none"), view("none")}) {
    hub.folder().write("nn.model.toml", in_postgres(counting("nn", wrong)));
    const auto refused = reload(hub);
    EXPECT_GE(refused.status, 400u);
    EXPECT_THAT(refused.body, AllOf(HasSubstr(file + ":"), HasSubstr("none")));
    EXPECT_EQ(server.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'nn__v1'"), "0");
  }
  hub.folder().write("nn.model.toml", in_postgres(counting("nn", statement("n"))));
  EXPECT_EQ(reload(hub).status, 200u);
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  // The next version of one that is served.
  for (const std::string& wrong : {statement("none"), view("none")}) {
    hub.folder().write("nn.model.toml", in_postgres(counting("nn", wrong, 2)));
    EXPECT_EQ(reload(hub).status, 200u);
    EXPECT_THAT(std::string(described(hub, "nn").at("problem").as_string()),
                AllOf(HasSubstr(file + ":"), HasSubstr("none")));
    EXPECT_EQ(described(hub, "nn").at("serving").as_string(), "1");
  }
  // Nor does it keep the hub from starting.
  ASSERT_EQ(hub.terminate(), 0);
  hub.start();
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_THAT(std::string(described(hub, "nn").at("problem").as_string()),
              AllOf(HasSubstr(file + ":"), HasSubstr("view every"), HasSubstr("none")));
  hub.folder().write("nn.model.toml", in_postgres(counting("nn", view("n"), 2)));
  EXPECT_EQ(reload(hub).status, 200u);
  EXPECT_TRUE(eventually([&] { return described(hub, "nn").at("serving") == "2"; }, 30s))
      << hub.log();
  EXPECT_EQ(described(hub, "nn").at("problem").as_string(), "");
}

TEST_F(HubStartsTest, NeitherReadersNorLocksOfOneModelStopTheOthers) {
  PostgresServer server;
  auto two = options("postgres = \"" + server.conninfo() + "\"");
  two.beside = in_postgres(counting("nn"));
  HubProgram hub(nats_.url(), two);
  ASSERT_TRUE(counts(hub, "nn")) << hub.log();
  ASSERT_EQ(hub.terminate(), 0);
  // Another session that ends with `work`, also if that throws.
  const auto during = [&](const std::string& sql, const std::function<void()>& work) {
    struct Session {
      explicit Session(PostgresServer& in, const std::string& does)
          : server(in), thread([&in, does] {
              try {
                in.query("BEGIN; " + does + "; SELECT pg_sleep(60); COMMIT");
              } catch (const std::exception&) {  // ended below
              }
            }) {}
      ~Session() {
        server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
        thread.join();
      }
      PostgresServer& server;
      std::thread thread;
    };
    const Session other(server, sql);
    EXPECT_TRUE(eventually([&] {
      return server.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") !=
             "0";
    }));
    work();
  };
  during("SELECT count(*) FROM nn.sums", [&] {
    hub.start();
    EXPECT_EQ(away(hub), "") << "it only reads";
    EXPECT_TRUE(counts(hub, "nn")) << hub.log();
    EXPECT_EQ(hub.terminate(), 0);
  });
  during("LOCK TABLE nn__v1.sums, nn__v1._sluice_meta IN ACCESS EXCLUSIVE MODE", [&] {
    hub.start();
    EXPECT_TRUE(counts(hub, "well")) << hub.log();
    EXPECT_THAT(away(hub), AllOf(HasSubstr("nn: "), HasSubstr("locked")));
  });
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_EQ(away(hub), "");
}

TEST_F(HubStartsTest, AFullDatabaseIsServedAsFarAsItIsAndStopsNoOther) {
  PostgresServer::Options small;
  small.disk_mib = 32;
  PostgresServer server(small);
  auto two = options("postgres = \"" + server.create_database("small") + "\"");
  two.beside = in_postgres(counting("nn"));
  HubProgram hub(nats_.url(), two);
  ASSERT_TRUE(counts(hub, "nn")) << hub.log();
  ASSERT_EQ(hub.terminate(), 0);
  server.fill_disk();
  hub.folder().write("new.model.toml", in_postgres(counting("new")));
  hub.start();
  EXPECT_TRUE(counts(hub, "well")) << hub.log();
  EXPECT_TRUE(counts(hub, "nn")) << hub.log();
  EXPECT_THAT(away(hub), AllOf(HasSubstr("new: "), HasSubstr("full")));
  server.free_disk();
  EXPECT_TRUE(counts(hub, "new")) << hub.log();
}

}  // namespace
}  // namespace sluice
