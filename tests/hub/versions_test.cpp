// SPDX-License-Identifier: Apache-2.0
// Versions of a read model over the built program and a real nats-server: built beside, switched,
// rolled back, and killed at any moment of that.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/hub/event_reader.hpp"
#include "tests/hub/versions_fixture.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using hub::VersionId;
using test::eventually;
using test::HubProgram;
using test::summed_model;
using test::VersionReader;
using test::VersionsTest;
namespace fs = std::filesystem;

TEST_F(VersionsTest, ANewVersionIsBuiltBesideAndSwitchedUnderTrafficWithoutAWrongRead) {
  publisher_.make_hub_stream("main");
  fill(20'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 20'000); }, 60s)) << hub.log();
  EXPECT_EQ(link(hub), "pumps-v1.db");
  start_traffic();
  VersionReader reader(hub);
  edit(hub, summed_model(2));
  hub.process().signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  EXPECT_EQ(link(hub), "pumps-v2.db");
  ASSERT_TRUE(eventually([&] { return reader.version() == VersionId{2, 1}; }));
  // And the same version once more.
  EXPECT_EQ(post(hub, "pumps/rebuild").status, 200u);
  EXPECT_EQ(post(hub, "pumps/rebuild").status, 503u) << "one at a time";
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2.2"; }, 60s)) << hub.log();
  ASSERT_TRUE(eventually([&] { return reader.version() == VersionId{2, 2}; }));
  stop_traffic();
  EXPECT_TRUE(eventually([&] { return all_there(hub, static_cast<std::int64_t>(filled_) - 1); }))
      << hub.log();
  reader.stop();
  EXPECT_EQ(reader.wrong(), "");
  EXPECT_EQ(reader.refused(), 0u);
  EXPECT_GT(reader.answers(), 20u);
  const auto now = pumps(hub);
  EXPECT_TRUE(now.at("building").is_null());
  ASSERT_EQ(now.at("kept").as_array().size(), 2u);
  EXPECT_EQ(now.at("kept").as_array()[0].as_object().at("version").as_string(), "2");
  EXPECT_TRUE(eventually([&] { return hub.log().find("ModelSwitched") != std::string::npos; }));
  EXPECT_EQ(hub.terminate(), 0) << hub.log();
}

TEST_F(VersionsTest, RollingBackAndForwardAgainLosesNothing) {
  publisher_.make_hub_stream("main");
  fill(2'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 2'000); }, 60s)) << hub.log();
  EXPECT_EQ(post(hub, "pumps/rollback").status, 404u) << "there is nothing to go back to";
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  publisher_.events({}, 2'002, 3'001);
  ASSERT_TRUE(eventually([&] { return all_there(hub, 3'000); }));
  VersionReader reader(hub);
  reader.may_go_back();
  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "1"; }, 60s)) << hub.log();
  EXPECT_TRUE(all_there(hub, 3'000)) << "it was fed until it had caught up";
  EXPECT_TRUE(eventually([&] { return hub.log().find("ModelRolledBack") != std::string::npos; }));
  reader.stop();
  EXPECT_EQ(reader.wrong(), "");
  // A start takes the file's version 2 no more by itself.
  ASSERT_EQ(hub.terminate(), 0);
  hub.start();
  EXPECT_EQ(serving(hub), "1");
  EXPECT_TRUE(pumps(hub).at("building").is_null());
  EXPECT_EQ(post(hub, "pumps/rollback", R"({"reason":"forward","to":"2"})").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  EXPECT_TRUE(all_there(hub, 3'000));
}

TEST_F(VersionsTest, InPostgresTheViewsAreSwitchedInOneTransaction) {
  const test::PostgresServer postgres;
  publisher_.make_hub_stream("main");
  fill(5'001);
  const auto text = [](int version) { return "target = \"postgres\"\n" + summed_model(version); };
  HubProgram hub(server_.url(),
                 options(text(1), "postgres = \"" + postgres.conninfo() + "\"\nkeep_versions = 1"));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 5'000); }, 60s)) << hub.log();
  EXPECT_EQ(postgres.query("SELECT n, version FROM pumps.sums"), "5000|1");
  start_traffic();
  VersionReader reader(hub);
  edit(hub, text(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  EXPECT_EQ(postgres.query("SELECT version FROM pumps.sums"), "2");
  hub.kill();
  hub.start();
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  reader.may_go_back();
  EXPECT_EQ(post(hub, "pumps/rollback").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "1"; }, 60s)) << hub.log();
  EXPECT_EQ(postgres.query("SELECT version FROM pumps.sums"), "1");
  stop_traffic();
  const auto all = static_cast<std::int64_t>(filled_) - 1;
  EXPECT_TRUE(eventually([&] { return all_there(hub, all); }, 60s)) << hub.log();
  reader.stop();
  EXPECT_EQ(reader.wrong(), "");
  EXPECT_EQ(postgres.query("SELECT n FROM pumps.sums"), std::to_string(all));
}

TEST_F(VersionsTest, OldVersionsAreDropped) {
  publisher_.make_hub_stream("main");
  fill(101);
  HubProgram hub(server_.url(), options(summed_model(1), "keep_versions = 1"));
  for (int version = 2; version <= 4; ++version) {
    edit(hub, summed_model(version));
    EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
    ASSERT_TRUE(eventually([&] { return serving(hub) == std::to_string(version); }, 60s))
        << hub.log();
  }
  ASSERT_TRUE(eventually([&] { return !fs::exists(hub.folder() / "state/pumps-v2.db"); }));
  EXPECT_FALSE(fs::exists(hub.folder() / "state/pumps-v1.db"));
  EXPECT_TRUE(fs::exists(hub.folder() / "state/pumps-v3.db"));
  EXPECT_TRUE(eventually([&] { return pumps(hub).at("kept").as_array().size() == 1; }));
}

TEST_F(VersionsTest, AKillAtAnyMomentOfABuildLosesNothingAndTheBuildGoesOn) {
  publisher_.make_hub_stream("main");
  fill(30'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 30'000); }, 60s)) << hub.log();
  start_traffic();
  VersionReader reader(hub);
  int version = 1;
  int kills = 0;
  // The time until the kill grows, so that it falls into the start, the build and the switch.
  for (int round = 0; round < 12; ++round) {
    if (serving(hub) == std::to_string(version)) edit(hub, summed_model(++version));
    EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
    const auto until = std::chrono::steady_clock::now() + 60ms * round;
    (void)eventually([&] { return std::chrono::steady_clock::now() >= until; });
    hub.kill();
    ++kills;
    hub.start();
  }
  ASSERT_TRUE(eventually([&] { return serving(hub) == std::to_string(version); }, 60s))
      << hub.log();
  stop_traffic();
  EXPECT_TRUE(
      eventually([&] { return all_there(hub, static_cast<std::int64_t>(filled_) - 1); }, 60s))
      << hub.log();
  reader.stop();
  // A kill may take the last batches of a database back (synchronous = NORMAL keeps them but for a
  // power cut), never below what a reader has seen.
  EXPECT_EQ(reader.wrong(), "");
  EXPECT_EQ(link(hub), "pumps-v" + std::to_string(version) + ".db");
  RecordProperty("kills", kills);
  RecordProperty("versions", version);
}

// The one instant in which link and book differ: readers have the new version.
TEST_F(VersionsTest, AKillBetweenTheLinkAndTheBookLeavesTheNewVersionServing) {
  publisher_.make_hub_stream("main");
  fill(1'001);
  const test::TempDir folder;
  auto with = options(summed_model(1));
  with.environment = {"LD_PRELOAD=" SLUICE_KILL_IN_RENAME, "KILL_AFTER_RENAME=/pumps.db",
                      "KILL_IN_RENAME_WHILE=" + (folder / "armed").string()};
  HubProgram hub(server_.url(), with);
  ASSERT_TRUE(eventually([&] { return all_there(hub, 1'000); }, 60s)) << hub.log();
  folder.write("armed", "");
  edit(hub, summed_model(2));
  hub.process().signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return !hub.process().running(); }, 60s)) << hub.log();
  EXPECT_EQ(link(hub), "pumps-v2.db") << "the rename was the last that it did";
  std::ifstream book(hub.folder() / "state/pumps.versions.json");
  const std::string said{std::istreambuf_iterator<char>(book), {}};
  EXPECT_NE(said.find(R"("version":"1","state":"serving")"), std::string::npos) << said;
  fs::remove(folder / "armed");
  publisher_.events({}, 1'002, 1'100);
  hub.start();
  EXPECT_EQ(serving(hub), "2");
  EXPECT_TRUE(eventually([&] { return all_there(hub, 1'099); })) << hub.log();
  const auto now = pumps(hub);
  EXPECT_TRUE(now.at("building").is_null());
  ASSERT_EQ(now.at("kept").as_array().size(), 1u);
  EXPECT_EQ(now.at("kept").as_array()[0].as_object().at("version").as_string(), "1");
  // And back, which the book must know.
  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "1"; }, 60s)) << hub.log();
  EXPECT_TRUE(all_there(hub, 1'099));
}

// The book alone cannot be written: what readers have found is what serves.
TEST_F(VersionsTest, ABookThatCannotBeWrittenDoesNotUndoASwitch) {
  publisher_.make_hub_stream("main");
  fill(1'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 1'000); }, 60s)) << hub.log();
  const fs::path file = hub.folder() / "state/pumps.versions.json";
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  fs::create_directories(file.string() + ".new/full");
  ASSERT_TRUE(eventually([&] { return link(hub) == "pumps-v2.db"; }, 60s)) << hub.log();
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; }, 10s))
      << "the link and the API say different things" << hub.log();
  fs::remove_all(file.string() + ".new");
  EXPECT_EQ(hub.terminate(), 0) << hub.log();
  hub.start();
  EXPECT_EQ(serving(hub), "2");
}

// A client that follows while a version is switched gets all rows of the new one.
TEST_F(VersionsTest, AFollowerIsToldOfASwitchAndGetsTheRowsOfTheNewVersion) {
  publisher_.make_hub_stream("main");
  fill(201);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 200); }, 60s)) << hub.log();
  test::EventReader reader(hub, "/v1/models/pumps/events/follow?limit=10000");
  std::set<std::int64_t> rows;
  std::string version;
  std::string why;
  const auto read_until = [&](const std::string& wanted, std::size_t count) {
    while (version != wanted || rows.size() != count) {
      const auto sent = reader.next();
      if (sent.event.empty()) return false;
      if (sent.event == "reset") {
        rows.clear();
        version = sent.data.at("version").as_string();
        why = sent.data.at("why").as_string();
      }
      if (!sent.data.contains("rows")) continue;
      for (const auto& row : sent.data.at("rows").as_array())
        rows.insert(row.as_object().at("seq").as_int64());
    }
    return true;
  };
  ASSERT_TRUE(read_until("1", 200));
  publisher_.events({}, 202, 301);
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_TRUE(read_until("2", 300)) << rows.size() << hub.log();
  EXPECT_EQ(why, "version");
  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  ASSERT_TRUE(read_until("1", 300)) << hub.log();
}

TEST_F(VersionsTest, TheCommandLineTellsAndChangesVersions) {
  publisher_.make_hub_stream("main");
  fill(1'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  const auto sluice = [&](std::vector<std::string> words) {
    std::vector<std::string> command{test::program("sluice-model"), "--hub", hub.address()};
    command.insert(command.end(), words.begin(), words.end());
    return test::run(command);
  };
  ASSERT_TRUE(eventually([&] { return all_there(hub, 1'000); })) << hub.log();
  edit(hub, summed_model(2) + "\n[table.broken\n");
  const auto broken = sluice({"model", "reload"});
  EXPECT_EQ(broken.code, 78) << broken.output;
  EXPECT_NE(broken.output.find("pumps.model.toml:"), std::string::npos) << broken.output;
  edit(hub, summed_model(2));
  const auto reloaded = sluice({"model", "reload"});
  EXPECT_EQ(reloaded.code, 0) << reloaded.output;
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  const auto back = sluice({"model", "rollback", "pumps", "--reason", "test", "--wait"});
  EXPECT_EQ(back.code, 0) << back.output;
  EXPECT_EQ(serving(hub), "1");
  const auto anew = sluice({"model", "rebuild", "pumps", "--reason", "test", "--wait"});
  EXPECT_EQ(anew.code, 0) << anew.output;
  EXPECT_EQ(serving(hub), "1.2");
  const auto then = core::parse_json(anew.out);
  ASSERT_TRUE(then) << anew.out;
  EXPECT_EQ(then->at("version").as_string(), "1.2");
  EXPECT_EQ(then->at("serving").as_string(), "1.2") << "as it is now, not as it was before";
  EXPECT_TRUE(then->at("building").is_null()) << anew.out;
  const auto list = sluice({"model", "list"});
  EXPECT_EQ(list.code, 0) << list.output;
  const auto row = core::parse_json(list.out);
  ASSERT_TRUE(row) << list.out;
  EXPECT_EQ(row->as_object().at("serving").as_string(), "1.2");
  EXPECT_EQ(sluice({"model", "rollback", "pumps", "--reason", "test", "--to", "9"}).code, 1);
}

TEST_F(VersionsTest, ABrokenFileNeverTakesTheServedModelDown) {
  publisher_.make_hub_stream("main");
  fill(101);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 100); })) << hub.log();
  edit(hub, summed_model(2) + "\n[table.broken\n");
  hub.process().signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return !pumps(hub).at("problem").as_string().empty(); }));
  const std::string problem(pumps(hub).at("problem").as_string());
  EXPECT_NE(problem.find("pumps.model.toml:"), std::string::npos) << problem;
  publisher_.events({}, 102, 201);
  EXPECT_TRUE(eventually([&] { return all_there(hub, 200); })) << hub.log();
  // Nor does a start with it.
  ASSERT_EQ(hub.terminate(), 0);
  hub.start();
  EXPECT_TRUE(eventually([&] { return all_there(hub, 200); })) << hub.log();
  EXPECT_FALSE(pumps(hub).at("problem").as_string().empty());
  // An edit under the same version is told, and not taken.
  std::string edited = summed_model(1);
  edited.replace(edited.find("last_value = \".value\""), 21, "last_value = \".k\"");
  edit(hub, edited);
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  EXPECT_NE(pumps(hub).at("problem").as_string().find("raise its version"), std::string::npos);
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; }, 60s)) << hub.log();
  EXPECT_TRUE(pumps(hub).at("problem").as_string().empty());
}

TEST_F(VersionsTest, AWholeHistoryThatTheHubNoLongerHasRefusesAndTheOldVersionServes) {
  publisher_.make_hub_stream("main");
  fill(1'001);
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 1'000); })) << hub.log();
  publisher_.request("$JS.API.STREAM.PURGE.EVENTS-main", R"({"keep":100})");
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  const auto building = [&](const char* key) {
    const auto now = pumps(hub);
    const auto& value = now.at("building");
    return value.is_null() ? std::string() : std::string(value.as_object().at(key).as_string());
  };
  ASSERT_TRUE(eventually([&] { return building("state") == "refused"; }, 30s)) << hub.log();
  EXPECT_NE(building("why").find("history"), std::string::npos) << building("why");
  publisher_.events({}, 1'002, 1'101);
  EXPECT_TRUE(eventually([&] { return all_there(hub, 1'100); })) << hub.log();
  EXPECT_EQ(serving(hub), "1");
  // `available` begins with what there is, and says since when.
  edit(hub, summed_model(3, "available"));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "3"; }, 60s)) << hub.log();
  EXPECT_TRUE(all_there(hub, 200));
  const auto lanes = hub.json("/v1/models/pumps").at("lanes").as_array();
  ASSERT_EQ(lanes.size(), 1u);
  EXPECT_EQ(lanes[0].as_object().at("available_from").as_int64(), 902);
}

}  // namespace
}  // namespace sluice
