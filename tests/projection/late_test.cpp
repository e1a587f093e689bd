// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "projection/model/sql.hpp"
#include "sqlite/database.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;

constexpr const char* kMachines = R"(
model = "machines"
version = 1
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
mode = "text"
note = "text"
n = { type = "int", default = 0 }
last = "real"
was_late = "bool"
[[table.machine.on]]
type = "Mode"
set = { mode = ".mode", was_late = "$late" }
[[table.machine.on]]
type = "Note"
set = { note = ".note" }
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
latest = { last = ".value" }
[[table.machine.on]]
type = "Retired"
delete = true
)";

constexpr const char* kSharedModel = R"(
model = "shared"
version = 1
[table.machine]
key = { machine = "$entity" }
shared = true
[table.machine.columns]
last = "real"
n = { type = "int", default = 0 }
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
latest = { last = ".value" }
)";

// Two epochs of one gateway without a common past: the second is that of a new card.
class LateTest : public test::EngineTest {
 protected:
  void start() {
    feed_.add(old_.opened(0, 0));
    feed_.add(new_.opened(0, 0));
  }
  void of_old(const std::string& type, const std::string& json,
              const std::string& entity = "press") {
    put(old_, ++old_seq_, type, json, entity);
  }
  void of_new(const std::string& type, const std::string& json,
              const std::string& entity = "press") {
    put(new_, ++new_seq_, type, json, entity);
  }
  std::uint64_t run() { return feed_.run(*engine_).old_epoch; }

  test::LaneMaker old_{"plant-7", 1};
  test::LaneMaker new_{"plant-7", 2};
  std::int64_t wall_ns_ = 1'790'000'000'000'000'000;

 private:
  void put(const test::LaneMaker& lane, core::Seq seq, const std::string& type,
           const std::string& json, const std::string& entity) {
    test::Made made = lane.base(seq);
    made.type = type;
    made.json = json;
    made.entity = entity;
    made.wall_ns = ++wall_ns_;
    feed_.add(test::message(made));
  }
  core::Seq old_seq_ = 1;
  core::Seq new_seq_ = 1;
};

TEST_F(LateTest, SetNeverTakesTheValueOfANewerEpoch) {
  open(kMachines);
  start();
  of_new("Mode", R"({"mode": "auto"})");
  of_old("Mode", R"({"mode": "manual"})");
  of_old("Note", R"({"note": "oiled"})");  // nothing newer is known of it
  EXPECT_EQ(run(), 2u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|auto|oiled|0|nil|0"));
  of_new("Mode", R"({"mode": "off"})");
  EXPECT_EQ(run(), 0u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|off|oiled|0|nil|0"));
}

TEST_F(LateTest, SetMakesARowThatTheNewerEpochDoesNotKnow) {
  open(kMachines);
  start();
  of_old("Mode", R"({"mode": "manual"})", "saw");
  of_old("Mode", R"({"mode": "auto"})", "saw");
  run();
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|saw|auto|nil|0|nil|1"));
}

TEST_F(LateTest, LatestNeverTakesTheValueOfANewerEpochWhateverItsTime) {
  open(kMachines);
  start();
  of_new("Reading", R"({"value": 1.0})");
  of_old("Reading", R"({"value": 2.0})");  // later by its clock
  of_old("Reading", R"({"value": 3.0})", "saw");
  of_old("Reading", R"({"value": 4.0})", "saw");
  run();
  EXPECT_THAT(rows("machine"),
              ElementsAre("plant-7|press|nil|nil|2|1|nil", "plant-7|saw|nil|nil|2|4|nil"));
}

TEST_F(LateTest, DeleteLeavesARowThatANewerEpochHasChanged) {
  open(kMachines);
  start();
  of_new("Reading", R"({"value": 1.0})");
  of_old("Reading", R"({"value": 1.0})", "saw");
  of_old("Retired", "null");
  of_old("Retired", "null", "saw");
  run();
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|nil|nil|1|1|nil"));
}

TEST_F(LateTest, WhereSeveralGatewaysFeedARowLatestIgnoresLateEvents) {
  open(kSharedModel);
  start();
  of_old("Reading", R"({"value": 2.0})");
  run();
  EXPECT_THAT(rows("machine"), ElementsAre("press|nil|1"));
}

TEST_F(LateTest, WhatComesAsideIsLateAlsoAfterTheDatabaseWasOpenedAgain) {
  open(kMachines);
  feed_.add(new_.opened(0, 0));
  auto brought = old_.opened(0, 0);
  brought.aside = true;
  feed_.add(brought);
  of_new("Mode", R"({"mode": "auto"})");
  run();
  reopen();
  of_old("Mode", R"({"mode": "manual"})");
  EXPECT_EQ(run(), 1u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|auto|nil|0|nil|0"));
}

// Format 1 had neither the order of epochs nor the columns that remember it.
TEST_F(LateTest, ADatabaseOfTheFirstFormatIsBroughtUpToThisOne) {
  open(kMachines);
  start();
  of_old("Mode", R"({"mode": "manual"})");
  of_new("Note", R"({"note": "new card"})");
  run();
  engine_.reset();
  {
    auto database = sqlite::Database::open(file(), sqlite::OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    for (const std::string& column : sql::order_columns(model_->tables().front()))
      ASSERT_TRUE(database->exec("ALTER TABLE machine DROP COLUMN " + column));
    ASSERT_TRUE(
        database->exec("ALTER TABLE _sluice_gate DROP COLUMN epoch_order;"
                       "ALTER TABLE _sluice_gate DROP COLUMN aside;"
                       "ALTER TABLE _sluice_gate DROP COLUMN running;"
                       "DROP TABLE _sluice_run;"
                       "ALTER TABLE _sluice_held DROP COLUMN clock_ns;"
                       "ALTER TABLE _sluice_parked DROP COLUMN clock_ns;"
                       "DROP TABLE _sluice_totals;"
                       "CREATE TABLE _sluice_totals (one INTEGER PRIMARY KEY CHECK (one = 1),"
                       " applied INTEGER NOT NULL, refused INTEGER NOT NULL,"
                       " last_event_ns INTEGER NOT NULL) STRICT;"
                       "INSERT INTO _sluice_totals VALUES (1, 4, 0, 7);"
                       "DROP TABLE _sluice_fence;"
                       "DROP INDEX _sluice_parked_stream;"
                       "DROP TABLE _sluice_settled;"
                       "DROP TABLE _sluice_changed;"
                       "DROP TABLE _sluice_skipped;"
                       "UPDATE _sluice_meta SET value = '1' WHERE name = 'format'"));
  }
  reopen();
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|manual|new card|0|nil|1"));
  of_new("Mode", R"({"mode": "auto"})");
  of_old("Mode", R"({"mode": "manual"})");
  EXPECT_EQ(run(), 1u);
  EXPECT_EQ(engine_->totals()->old_epoch, 1u);
  EXPECT_EQ(engine_->totals()->applied, 6u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|auto|new card|0|nil|0"));
}

}  // namespace
}  // namespace sluice::projection
