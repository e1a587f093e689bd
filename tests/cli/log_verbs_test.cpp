// SPDX-License-Identifier: Apache-2.0
// fsck, salvage, log export and clone-prepare on the log of a real sluiced, and what its next start
// makes of the damage.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "storage/segment_file.hpp"
#include "tests/cli/installation.hpp"
#include "tests/storage/damage.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
namespace json = core::json;
namespace fs = std::filesystem;
using storage::all_files;

const std::string kAtOnce = "[log]\nrestart_wait_max = \"0ms\"\n";

class LogVerbs : public testing::Test {
 protected:
  static std::string lines(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i)
      text += R"({"stream":"pump/)" + std::to_string(i % 7) + R"(","type":"T","data":{"n":)" +
              std::to_string(i) + "}}\n";
    return text;
  }
  void append(int from, int to) {
    const auto run = gateway.sluice({"append", "--jsonl", "-"}, lines(from, to));
    ASSERT_EQ(run.code, 0) << run.output;
  }
  fs::path newest(const std::string& lane = "telemetry") const {
    return storage::list_segments(fs::path(gateway.state()) / "log" / lane)->back().path;
  }
  test::Finished on_state(std::vector<std::string> verb) {
    verb.insert(verb.end(), {"--state", gateway.state()});
    return gateway.sluice(verb);
  }
  static json::object only(const test::Finished& run) {
    const auto all = documents(run.out);
    EXPECT_EQ(all.size(), 1u) << run.output;
    return all.empty() ? json::object() : all.front();
  }
  // A leaf in the middle of the rows.
  void destroy_some_rows() { storage::destroy_page(newest(), 12); }
  std::vector<json::object> own_events(const std::string& lane, const std::string& type) {
    std::vector<json::object> found;
    for (const auto& event : documents(on_state({"read", "sluice/lane/" + lane}).out))
      if (event.at("type").as_string() == std::string_view(type)) found.push_back(event);
    return found;
  }

  Gateway gateway{kAtOnce};
};

TEST_F(LogVerbs, FsckFindsAWholeLogCleanBesideARunningGatewayAndAfterIt) {
  gateway.start();
  append(0, 2000);
  const auto live = on_state({"fsck"});
  EXPECT_EQ(live.code, 0) << live.output;
  EXPECT_EQ(only(live).at("clean"), true);
  gateway.stop();
  const auto before = all_files(gateway.state());
  const auto rest = gateway.sluice({"fsck", "--config", gateway.config()});
  EXPECT_EQ(rest.code, 0) << rest.output;
  EXPECT_EQ(only(rest).at("gateway"), "cli-test");
  EXPECT_GE(only(rest).at("events").to_number<int>(), 2004);
  EXPECT_TRUE(all_files(gateway.state()) == before);
}

TEST_F(LogVerbs, FsckSaysWhatIsDamagedAndWhereWithExitCodeOne) {
  gateway.start();
  append(0, 2000);
  gateway.stop();
  destroy_some_rows();
  const auto run = on_state({"fsck"});
  EXPECT_EQ(run.code, 1);
  const json::object document = only(run);
  EXPECT_EQ(document.at("clean"), false);
  bool is_named = false;
  for (const json::value& flaw : document.at("flaws").as_array())
    if (flaw.at("what").as_string() == "row") {
      is_named = true;
      EXPECT_EQ(std::string(flaw.at("file").as_string()), newest().filename().string());
      EXPECT_GT(flaw.at("to").to_number<int>(), flaw.at("from").to_number<int>());
    }
  EXPECT_TRUE(is_named) << run.output;
  EXPECT_EQ(on_state({"fsck", "--no-such"}).code, 2);
  EXPECT_EQ(gateway.sluice({"fsck", "--state", gateway.state() + "/nowhere"}).code, 1);
}

TEST_F(LogVerbs, ExportWritesTheLogAsReadShowsIt) {
  gateway.start();
  append(0, 700);
  const auto live = on_state({"log", "export", "--lane", "telemetry"});
  EXPECT_EQ(live.code, 0) << live.output;
  gateway.stop();
  const auto run = on_state({"log", "export", "--lane", "telemetry"});
  ASSERT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(run.out, live.out);
  const auto events = documents(run.out);
  ASSERT_EQ(events.size(), 701u);
  EXPECT_EQ(events[1].at("data").at("n"), 0);
  const auto stream = documents(on_state({"read", "pump/3"}).out);
  EXPECT_EQ(events[4], stream[0]);
  const auto range = documents(
      on_state({"log", "export", "--lane", "telemetry", "--from", "10", "--to", "12"}).out);
  ASSERT_EQ(range.size(), 3u);
  EXPECT_EQ(range[0].at("seq"), 10);
  EXPECT_EQ(documents(on_state({"log", "export"}).out).size() > 703u, true);
  const std::string file = gateway.state() + "/../out.jsonl";
  EXPECT_EQ(on_state({"log", "export", "--lane", "telemetry", "--out", file}).code, 0);
  EXPECT_EQ(storage::content_of(file), run.out);
  EXPECT_EQ(on_state({"log", "export", "--out", file}).code, 1);  // never over a file
}

TEST_F(LogVerbs, ExportSkipsWhatIsDamagedAndSaysSo) {
  gateway.start();
  append(0, 2000);
  gateway.stop();
  destroy_some_rows();
  const auto run = on_state({"log", "export", "--lane", "telemetry"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("cannot be read"));
  const auto events = documents(run.out);
  EXPECT_GT(events.size(), 1900u);
  EXPECT_LT(events.size(), 2001u);
  storage::destroy_page(newest(), 1);  // and with no schema at all
  EXPECT_EQ(documents(on_state({"log", "export", "--lane", "telemetry"}).out).size(),
            events.size());
}

TEST_F(LogVerbs, SalvageKeepsWhatCanBeReadAndTheNextStartTellsOfIt) {
  gateway.start();
  append(0, 2000);
  EXPECT_EQ(on_state({"salvage"}).code, 5);  // sluiced runs
  gateway.stop();
  destroy_some_rows();
  const auto before = all_files(gateway.state());
  const auto dry = on_state({"salvage", "--dry-run"});
  ASSERT_EQ(dry.code, 0) << dry.output;
  EXPECT_EQ(all_files(gateway.state()).size(), before.size());
  const auto run = on_state({"salvage"});
  ASSERT_EQ(run.code, 0) << run.output;
  const json::array done = only(run).at("salvaged").as_array();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done, only(dry).at("salvaged").as_array());
  const int kept = done[0].at("kept").to_number<int>();
  const int lost = done[0].at("lost").to_number<int>();
  EXPECT_EQ(kept + lost, 2001);
  EXPECT_GT(lost, 0);
  EXPECT_EQ(on_state({"fsck"}).code, 0);
  EXPECT_EQ(only(on_state({"fsck"})).at("known_missing"), lost);
  for (int starts = 0; starts < 2; ++starts) {
    gateway.start();
    append(3000 + starts, 3001 + starts);
    gateway.stop();
  }
  const auto told = own_events("telemetry", "SegmentSalvaged");
  ASSERT_EQ(told.size(), 1u);  // once, not at each start
  EXPECT_EQ(told[0].at("data").at("kept"), kept);
  EXPECT_EQ(told[0].at("data").at("lost"), lost);
  EXPECT_EQ(on_state({"fsck"}).code, 0) << on_state({"fsck"}).output;
}

TEST_F(LogVerbs, AStartSalvagesWithoutBeingTold) {
  gateway.start();
  append(0, 2000);
  gateway.stop();
  destroy_some_rows();
  gateway.start();
  append(2000, 2010);
  gateway.stop();
  EXPECT_EQ(own_events("telemetry", "SegmentSalvaged").size(), 1u);
  EXPECT_EQ(on_state({"fsck"}).code, 0) << on_state({"fsck"}).output;
}

TEST_F(LogVerbs, ADeletedWalOrShmIsSurvived) {
  for (const std::string lost : {"-shm", "-wal", "both"}) {
    SCOPED_TRACE(lost);
    gateway.start();
    append(0, 500);
    gateway.kill();
    const fs::path segment = newest();
    const auto before = documents(on_state({"log", "export", "--lane", "telemetry"}).out).size();
    if (lost != "-wal") fs::remove(segment.string() + "-shm");
    if (lost != "-shm") fs::remove(segment.string() + "-wal");
    gateway.start();
    append(500, 510);
    gateway.stop();
    const auto fsck = on_state({"fsck"});
    EXPECT_EQ(fsck.code, 0) << fsck.output;
    const auto after = documents(on_state({"log", "export", "--lane", "telemetry"}).out).size();
    if (lost == "-shm") {
      EXPECT_EQ(after, before + 11);
    }
  }
}

TEST_F(LogVerbs, ACleanStopLeavesAChainMarkOfEachLaneThatWentOn) {
  gateway.start();
  append(0, 100);
  gateway.stop();
  const auto marks = own_events("telemetry", "ChainMark");
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].at("data").at("seq"), 101);
  EXPECT_TRUE(own_events("bulk", "ChainMark").empty());
  gateway.start();
  gateway.stop();
  EXPECT_EQ(own_events("telemetry", "ChainMark").size(), 1u);  // it did not go on
}

TEST_F(LogVerbs, ALaneThatEndsBelowItsLastMarkIsReported) {
  gateway.start();
  append(0, 100);
  gateway.stop();
  const fs::path telemetry = fs::path(gateway.state()) / "log/telemetry";
  const test::TempDir old;
  fs::copy(telemetry, old.path() / "telemetry", fs::copy_options::recursive);
  gateway.start();
  append(100, 300);
  gateway.stop();
  fs::remove_all(telemetry);
  fs::copy(old.path() / "telemetry", telemetry, fs::copy_options::recursive);
  gateway.start();
  append(300, 301);
  gateway.stop();
  const auto forks = documents(on_state({"read", "sluice/fork"}).out);
  ASSERT_FALSE(forks.empty());
  EXPECT_EQ(forks.back().at("data").at("kind"), "lost_tail");
  EXPECT_EQ(forks.back().at("data").at("lane"), "telemetry");
  EXPECT_THAT(std::string(forks.back().at("data").at("words").as_string()),
              HasSubstr("it had seq 302"));
  EXPECT_EQ(on_state({"fsck"}).code, 0) << on_state({"fsck"}).output;
}

TEST_F(LogVerbs, ClonePrepareKeepsUnackedEventsUnlessToldOtherwise) {
  gateway.start();
  append(0, 50);
  EXPECT_EQ(on_state({"clone-prepare", "--yes", "--discard-unacked"}).code, 5);  // sluiced runs
  gateway.stop();
  const auto refused = on_state({"clone-prepare", "--yes"});
  EXPECT_EQ(refused.code, 2) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("50 events"));
  EXPECT_EQ(on_state({"clone-prepare", "--discard-unacked"}).code, 2);
  EXPECT_TRUE(fs::exists(newest()));
  fs::create_directories(gateway.state() + "/keys");
  const auto done = on_state({"clone-prepare", "--yes", "--discard-unacked"});
  ASSERT_EQ(done.code, 0) << done.output;
  EXPECT_EQ(only(done).at("discarded_unacked"), 50);
  EXPECT_TRUE(fs::is_empty(gateway.state()));
}

TEST_F(LogVerbs, ClonePrepareRemovesNothingFromAFolderThatIsNoGateways) {
  const fs::path wrong = fs::path(gateway.file("x", "")).parent_path() / "var";
  fs::create_directories(wrong / "log" / "apt");
  const auto try_it = [&] {
    const auto run =
        gateway.sluice({"clone-prepare", "--yes", "--discard-unacked", "--state", wrong.string()});
    EXPECT_EQ(run.code, 1) << run.output;
    EXPECT_THAT(run.output, HasSubstr("Nothing was removed"));
  };
  try_it();
  EXPECT_TRUE(fs::exists(wrong / "log" / "apt"));
  EXPECT_FALSE(fs::exists(wrong / "log" / "lock"));
  fs::remove_all(wrong / "log");
  fs::create_directories(wrong / "keys" / "of-others");
  try_it();
  EXPECT_TRUE(fs::exists(wrong / "keys" / "of-others"));
}

TEST_F(LogVerbs, AnInterruptedClonePrepareIsFinishedByTheNext) {
  fs::create_directories(gateway.state() + "/log.removing/telemetry");
  ASSERT_EQ(on_state({"clone-prepare", "--yes"}).code, 0);
  EXPECT_TRUE(fs::is_empty(gateway.state()));
}

TEST_F(LogVerbs, AFolderInPlaceOfARecordIsAnErrorWithItsName) {
  const auto run = gateway.sluice({"plugtest", "check", "--file", gateway.state()});
  EXPECT_EQ(run.code, 1) << run.output;
  EXPECT_THAT(run.output, HasSubstr("cannot read " + gateway.state() + ": Is a directory"));
  EXPECT_EQ(gateway.sluice({"plugtest", "run", "--collector", "127.0.0.1:99999"}).code, 2);
}

TEST_F(LogVerbs, TwoBootsOfAPreparedImageShareNoIdentity) {
  gateway.start();
  append(0, 20);
  gateway.stop();
  ASSERT_EQ(on_state({"clone-prepare", "--yes", "--discard-unacked"}).code, 0);
  Gateway other{kAtOnce};
  fs::remove_all(other.state());
  fs::copy(gateway.state(), other.state(), fs::copy_options::recursive);
  std::set<std::string> epochs;
  for (Gateway* one : {&gateway, &other}) {
    one->start();
    ASSERT_EQ(one->sluice({"append", "pump/1", "T", "1"}).code, 0);
    one->stop();
    for (const auto& event : documents(
             one->sluice({"log", "export", "--lane", "telemetry", "--state", one->state()}).out)) {
      epochs.insert(std::string(event.at("epoch").as_string()));
      EXPECT_LE(event.at("seq").to_number<int>(), 2);
    }
  }
  EXPECT_EQ(epochs.size(), 2u);
}

}  // namespace
}  // namespace sluice::cli
