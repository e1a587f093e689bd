// SPDX-License-Identifier: Apache-2.0
// Each epoch remembers the machine that opened it, in logs of today and in those made before that.
#include "sqlite/database.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Lane;

class EpochMachine : public LogTest {
 protected:
  void open_on(const std::string& machine) {
    close();
    auto wanted = options();
    wanted.machine = machine;
    auto opened = EventLog::open(wanted, {clock, random, logger});
    ASSERT_TRUE(opened) << opened.error().message;
    log = std::move(*opened);
  }
  // Of each epoch of lane telemetry, "<machine> after <machine before>".
  std::vector<std::string> machines() {
    std::vector<std::string> out;
    const auto epochs = reader()->epochs(Lane::kTelemetry);
    EXPECT_TRUE(epochs);
    if (epochs)
      for (const EpochInfo& info : *epochs)
        out.push_back(info.machine + " after " + info.previous_machine);
    return out;
  }
};

TEST_F(EpochMachine, IsKeptWithTheEpochAndCarriedIntoNewSegments) {
  open_on("board-1");
  append_many(3);
  open_on("board-2");
  const std::vector<std::string> both = {"board-1 after ", "board-2 after board-1"};
  EXPECT_EQ(machines(), both);
  append_many(3 * settings.segment_events);
  ASSERT_GT(segment_files(Lane::kTelemetry), 1u);
  EXPECT_EQ(machines(), both);
  open_on("board-2");
  EXPECT_EQ(machines().back(), "board-2 after board-2");
}

TEST_F(EpochMachine, ALogMadeBeforeOpensAndBeginsToRemember) {
  open();  // without a machine, as an older program did: no table is made
  append_many(3);
  close();
  {
    auto database =
        sqlite::Database::open(segment_paths(Lane::kTelemetry).back(), sqlite::OpenMode::kReadOnly);
    ASSERT_TRUE(database);
    const auto tables =
        database->query_int("SELECT count(*) FROM sqlite_master WHERE name='epoch_machine'");
    ASSERT_TRUE(tables);
    ASSERT_EQ(*tables, 0);
  }
  open_on("board-1");
  const std::vector<std::string> known = {" after ", "board-1 after "};
  EXPECT_EQ(machines(), known);
  append_many(1);
}

}  // namespace
}  // namespace sluice::storage
