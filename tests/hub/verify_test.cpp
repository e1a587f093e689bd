// SPDX-License-Identifier: Apache-2.0
// A model compared with what its events make, on real files: what is found, what is told, and that
// a right model is never called wrong, wherever it stands.
#include "hub/verify/verify.hpp"

#include "core/random.hpp"
#include "hub/verify/replay.hpp"
#include "tests/hub/verify_fixture.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::hub {
namespace {

using projection::RowDifference;
using test::LaneMaker;
using testing::HasSubstr;

constexpr const char* kSums = R"(
model = "sums"
version = 1
[where]
categories = ["machine"]
[table.sum]
key = { gateway = "$gateway" }
[table.sum.columns]
n = { type = "int", default = 0 }
total = { type = "int", default = 0 }
[[table.sum.on]]
type = "Reading"
inc = { n = 1, total = ".v" }
)";

const std::string kWithSql = std::string(kChecked) + R"(
[table.hot]
key = { gateway = "$gateway", machine = "$entity" }
[table.hot.columns]
n = { type = "int", default = 0 }
times = { type = "int", default = 0 }
[[table.hot.on]]
type = "Reading"
inc = { n = 1 }
[[on]]
type = "Reading"
touches = "hot"
args = { gateway = "$gateway", machine = "$entity", k = { type = "int", from = ".k" } }
sql = "UPDATE hot SET times = times + 1 WHERE gateway = :gateway AND machine = :machine AND :k > 30"
)";

TEST_F(VerifyTest, ARightModelIsGood) {
  open(kWithTotal);
  fill(one_, 100);
  fill(two_, 50);
  apply();
  const auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.rows, 21u);
  EXPECT_EQ(report.messages, 152u);
  EXPECT_TRUE(report.unverifiable.empty());
  ASSERT_EQ(report.positions.size(), 1u);
  EXPECT_EQ(report.positions[0].sequence, 152u);
}

TEST_F(VerifyTest, AChangedRowIsFoundWithColumnAndFirstEvent) {
  open(kChecked);
  fill(one_, 100);
  apply();
  // As if the effect of the newest event of m3 had been lost: seq 93, of 13, 23 ... 93.
  tamper("UPDATE machine SET n = n - 1 WHERE machine = 'm3'");
  const auto report = verified();
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  const VerifyFinding& finding = report.findings[0];
  EXPECT_EQ(finding.row.kind, RowDifference::Kind::kChanged);
  EXPECT_EQ(finding.row.table, "machine");
  EXPECT_EQ(std::get<std::string>(finding.row.key[1]), "m3");
  ASSERT_EQ(finding.row.cells.size(), 1u);
  EXPECT_EQ(finding.row.cells[0].column, "n");
  EXPECT_EQ(std::get<std::int64_t>(finding.row.cells[0].expected), 10);
  EXPECT_EQ(std::get<std::int64_t>(finding.row.cells[0].found), 9);
  ASSERT_TRUE(finding.event.first);
  EXPECT_TRUE(finding.event.ever);
  EXPECT_EQ(finding.event.first->identity, "plant-7.0000000000000001.telemetry.93");
  EXPECT_EQ(finding.event.first->type, "Reading");
  EXPECT_EQ(finding.event.first->stream, "machine/m3");
  EXPECT_EQ(finding.event.first->hub_seq, 93u);
}

TEST_F(VerifyTest, AValueThatNoEventGaveIsToldAsSuch) {
  open(kChecked);
  fill(one_, 30);
  apply();
  tamper("UPDATE machine SET last = -1.0 WHERE machine = 'm4'");
  const auto report = verified();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_FALSE(report.findings[0].event.ever);
  ASSERT_TRUE(report.findings[0].event.first);
  EXPECT_THAT(report.findings[0].event.first->identity, HasSubstr("telemetry.4"));
}

TEST_F(VerifyTest, AMissingRowIsFoundWithTheEventThatMadeIt) {
  open(kChecked);
  fill(one_, 40);
  apply();
  tamper("DELETE FROM machine WHERE machine = 'm7'");
  const auto report = verified();
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].row.kind, RowDifference::Kind::kMissing);
  ASSERT_TRUE(report.findings[0].event.first);
  EXPECT_EQ(report.findings[0].event.first->hub_seq, 7u);
}

TEST_F(VerifyTest, AnExtraRowIsFoundWithTheEventThatRemovedIt) {
  open(kChecked);
  fill(one_, 40);
  test::Made gone = one_.base(42);
  gone.entity = "m5";
  gone.type = "Gone";
  feed_.add(test::message(gone));
  apply();
  // The row as it stood before it was removed, and one that never was.
  tamper(
      "INSERT INTO machine (gateway, machine, lane, n, last, low)"
      " VALUES ('plant-7', 'm5', 'telemetry', 4, 35.5, 5),"
      " ('plant-7', 'zz', 'telemetry', 1, 1.0, 1)");
  const auto report = verified();
  EXPECT_EQ(report.differences, 2u);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].row.kind, RowDifference::Kind::kExtra);
  ASSERT_TRUE(report.findings[0].event.first);
  EXPECT_EQ(report.findings[0].event.first->type, "Gone");
  EXPECT_FALSE(report.findings[1].event.first);
}

TEST_F(VerifyTest, AWrongTotalOfAllGatewaysIsFound) {
  open(kWithTotal);
  fill(one_, 100);
  fill(two_, 50);
  apply();
  tamper("UPDATE total SET n = 149");
  const auto report = verified();
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].row.table, "total");
  ASSERT_TRUE(report.findings[0].event.first);
  EXPECT_EQ(report.findings[0].event.first->hub_seq, 152u);
}

TEST_F(VerifyTest, AListIsBoundedAndTheCountIsNot) {
  open(kChecked);
  fill(one_, 100);
  apply();
  tamper("UPDATE machine SET n = n + 1");
  VerifyRequest request{model_, place_, dir_ / "scratch"};
  request.list_max = 3;
  source_.add(feed_);
  const auto report = verify(request, source_, clock_, log_);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->differences, 10u);
  EXPECT_EQ(report->findings.size(), 3u);
}

// A model that has read half, with holes, is compared with that half.
TEST_F(VerifyTest, AModelIsComparedWhereItStandsAndNotAtTheEnd) {
  open(kChecked);
  fill(one_, 60);
  apply();
  fill(one_, 40, 62);  // the hub has more by now
  EXPECT_TRUE(verified().good());
  tamper("UPDATE machine SET low = 1 WHERE machine = 'm9'");
  EXPECT_EQ(verified().differences, 1u);
}

TEST_F(VerifyTest, WhatWaitsBehindAHoleIsNotExpected) {
  open(kChecked);
  fill(one_, 30);
  fill(one_, 30, 40);  // 32 to 39 are not there
  apply();
  auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.unverifiable.empty());
  feed_.add(one_.gap(32, 39));
  EXPECT_TRUE(verified().good());
  apply();
  EXPECT_TRUE(verified().good());
}

TEST_F(VerifyTest, ASkippedHoleIsSkippedInTheComparisonToo) {
  open(kChecked);
  fill(one_, 30);
  fill(one_, 30, 40);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "card burnt"));
  for (core::Seq seq = 32; seq < 36; ++seq) add_reading(one_, seq);  // some come after all
  fill(one_, 10, 70);
  apply();
  EXPECT_EQ(engine_->totals()->late, 4u);
  const auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.unverifiable.empty());
}

TEST_F(VerifyTest, ASkippedBeginningAndAnEndedWaitAreMirrored) {
  open(kChecked);
  const LaneMaker next("plant-7", 2);
  fill(one_, 10);
  feed_.add(next.opened(1, 20));  // 12 to 20 of the first epoch never came
  for (core::Seq seq = 22; seq < 30; ++seq) feed_.add(reading(next, seq));
  for (core::Seq seq = 5; seq < 12; ++seq) feed_.add(reading(two_, seq));  // no beginning
  apply();
  ASSERT_TRUE(engine_->skip(next.row(), "no need to wait"));
  ASSERT_TRUE(engine_->skip(two_.row(), "its beginning is lost"));
  const auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.unverifiable.empty());
  EXPECT_EQ(report.rows, 17u);
}

TEST_F(VerifyTest, WhatOperatorsDidWithParkedEventsIsDoneInTheComparisonToo) {
  open(kChecked);
  fill(one_, 10);
  for (core::Seq seq = 12; seq < 18; ++seq) {
    test::Made made = one_.base(seq);
    made.entity = seq % 2 == 0 ? "m1" : "m2";
    made.json = seq < 14 ? "{\"k\": \"text\"}" : "{\"k\": 3}";
    feed_.add(test::message(made));
  }
  apply();
  EXPECT_TRUE(verified().good());
  ASSERT_TRUE(
      engine_->skip_parked({"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 12, 0}, "x"));
  const auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.unverifiable.empty());
}

// What fits only by now: 100 and what waited behind it, after a value near the bound was taken
// back.
TEST_F(VerifyTest, AnEventThatWasParkedAndRetriedCountsInTheComparison) {
  open(kSums);
  feed_.add(one_.opened(0, 0));
  core::Seq next = 2;
  const auto add = [&](const char* entity, const std::string& v) {
    test::Made made = one_.base(next++);
    made.entity = entity;
    made.json = "{\"v\": " + v + "}";
    feed_.add(test::message(made));
    return core::Identity{"plant-7", core::Epoch{1}, core::Lane::kTelemetry, next - 1, 0};
  };
  add("a", "9223372036854775800");
  const auto poison = add("b", "100");
  add("b", "1");
  const auto hopeless = add("c", "\"text\"");
  add("c", "1000");
  add("a", "-9223372036854775800");
  apply();
  EXPECT_TRUE(verified().good());
  const auto retried = engine_->retry_parked(poison);
  ASSERT_TRUE(retried && retried->settled);
  EXPECT_TRUE(verified().good());
  EXPECT_FALSE(engine_->retry_parked(hopeless)->settled);
  EXPECT_TRUE(verified().good());
  ASSERT_TRUE(engine_->skip_parked(hopeless, "sensor on the bench"));
  add("b", "10");
  add("c", "10000");
  apply();
  EXPECT_EQ(rows("sum"), (std::vector<std::string>{"plant-7|7|11111"}));
  const auto right = verified();
  EXPECT_TRUE(right.good());
  EXPECT_TRUE(right.unverifiable.empty());
  tamper("UPDATE sum SET total = total - 100");  // as if the retry had had no effect
  EXPECT_EQ(verified().differences, 1u);
}

// On PostgreSQL such a model is built anew in a schema of the same database, which is gone
// afterwards; what a killed verification left there is in nobody's way.
TEST_F(VerifyTest, AModelWithSqlOfItsOwnIsComparedInItsOwnDatabase) {
  open(kWithSql);
  fill(one_, 60);
  apply();
  const auto scratch_schemas = [&] {
    auto target = projection::Target::open(place_, projection::Access::kWrite);
    EXPECT_TRUE(target);
    auto names = projection::query_text(**target,
                                        "SELECT coalesce(string_agg(nspname, ','), '')"
                                        " FROM pg_namespace WHERE nspname LIKE 'sluice_verify%'");
    EXPECT_TRUE(names);
    return *names;
  };
  VerifyRequest request{model_, place_, dir_ / "scratch"};
  std::string at_work;
  if (test::on_postgres()) request.progress = [&](std::uint64_t) { at_work = scratch_schemas(); };
  source_.add(feed_);
  const auto right = verify(request, source_, clock_, log_);
  ASSERT_TRUE(right) << core::to_string(right.error());
  EXPECT_TRUE(right->good());
  EXPECT_EQ(right->rows, 20u);
  if (test::on_postgres()) {
    EXPECT_THAT(at_work, HasSubstr("sluice_verify_"));
    EXPECT_EQ(scratch_schemas(), "");
    const auto number = at_work.rfind('_') + 1;
    const std::string next =
        at_work.substr(0, number) + std::to_string(std::stoi(at_work.substr(number)) + 1);
    tamper("CREATE SCHEMA " + next);
    tamper("CREATE TABLE " + next + ".machine (something_else int)");
  }
  tamper("UPDATE hot SET times = times - 1 WHERE machine = 'm9'");
  const auto wrong = verified();
  EXPECT_EQ(wrong.differences, 1u);
  ASSERT_EQ(wrong.findings.size(), 1u);
  EXPECT_EQ(wrong.findings[0].row.table, "hot");
  ASSERT_TRUE(wrong.findings[0].event.first);
  EXPECT_EQ(wrong.findings[0].event.first->stream, "machine/m9");
  if (test::on_postgres()) {
    EXPECT_EQ(scratch_schemas(), "");
  }
}

TEST_F(VerifyTest, WhatTheHubHasNoMoreIsToldAndTheRestIsCompared) {
  open(kChecked);
  fill(one_, 50);
  fill(two_, 50);
  apply();
  tamper("UPDATE machine SET n = 77 WHERE machine = 'm1'");  // of both gateways
  source_.lose_first(20);
  const auto report = verified();
  ASSERT_EQ(report.unverifiable.size(), 1u);
  EXPECT_THAT(report.unverifiable[0], HasSubstr("plant-7"));
  EXPECT_EQ(report.rows, 10u);
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(std::get<std::string>(report.findings[0].row.key[0]), "plant-8");
}

TEST_F(VerifyTest, WhereNothingCanBeComparedNothingIsCalledGood) {
  open(kChecked);
  fill(one_, 50);
  apply();
  source_.lose_first(20);
  const auto report = verified();
  EXPECT_EQ(report.rows, 0u);
  EXPECT_FALSE(report.compared());
  EXPECT_FALSE(report.good());
}

TEST_F(VerifyTest, ASampleComparesSomeRowsAndOverAllSeedsFindsWhatIsWrong) {
  open(kChecked);
  for (std::uint64_t gateway = 1; gateway <= 20; ++gateway)
    fill(LaneMaker("plant-" + std::to_string(gateway), gateway), 20);
  apply();
  tamper("DELETE FROM machine WHERE gateway = 'plant-3' AND machine = 'm3'");
  std::uint64_t found = 0;
  std::uint64_t rows = 0;
  constexpr std::uint64_t kSeeds = 40;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto report = verified(20, seed);
    found += report.differences;
    rows += report.rows;
  }
  EXPECT_GT(found, 0u);  // a row that is missing is in the sample like one that is there
  EXPECT_LT(found, kSeeds);
  EXPECT_GT(rows, kSeeds * 10);
  EXPECT_LT(rows, kSeeds * 40);
}

// As of some instant: what a model showed then.
TEST_F(VerifyTest, AReplayToAnInstantGivesTheTablesOfThatPrefix) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    core::SeededRandom random(seed);
    open(kChecked);
    std::vector<std::vector<test::Message>> sent;
    sent.push_back(test::as_sent(
        test::lane_history("plant-7", core::Lane::kTelemetry, 10, random, 120), random));
    sent.push_back(
        test::as_sent(test::lane_history("plant-8", core::Lane::kAlarm, 500, random, 120), random));
    feed_ = test::Feed();
    test::merge(std::move(sent), random, feed_);
    const std::size_t until = 1 + random.below(feed_.size());
    std::vector<projection::Incoming> prefix;
    for (std::size_t i = 0; i < until; ++i) prefix.push_back(feed_.incoming(i));
    ASSERT_TRUE(engine_->apply(feed_.hub(), prefix));
    source_.add(feed_);
    for (const bool by_time : {false, true}) {
      const auto other = dir_ / ("other" + std::to_string(seed) + (by_time ? "t" : "p") + ".db");
      auto engine = projection::Engine::open(model_, other, clock_, log_);
      ASSERT_TRUE(engine);
      Replay replay(**engine, source_);
      ReplayBound bound;
      if (by_time)
        bound.stored_ns = static_cast<std::int64_t>(until) * 1'000'000'000 + 5;
      else
        bound.position = until;
      const auto end = replay.read(feed_.hub().name, bound);
      ASSERT_TRUE(end) << core::to_string(end.error());
      EXPECT_EQ(end->position, until);
      auto query = projection::Query::open(model_, other);
      ASSERT_TRUE(query);
      EXPECT_EQ(rows_of(**query, {"machine", {}, {}, {}, 10'000, ""}), rows("machine"));
    }
  }
}

}  // namespace
}  // namespace sluice::hub
