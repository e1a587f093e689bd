// SPDX-License-Identifier: Apache-2.0
#include "projection/query/query.hpp"

#include <gmock/gmock.h>

#include <set>

#include "projection/query/cursor.hpp"
#include "projection/query/select.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using std::chrono::milliseconds;
using test::EngineTest;
using test::Made;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kModel = R"(
model = "m"
version = 1
[where]
categories = ["machine"]
[table.item]
key = { gateway = "$gateway", name = "$entity" }
[table.item.columns]
v = "int"
r = "real"
at = "time"
s = "text"
ok = "bool"
[[table.item.on]]
type = "Reading"
set = { v = ".v", r = ".r", s = ".s", ok = ".ok" }
max = { at = "$time" }
[view.big]
sql = "SELECT name, v, v * 2 AS twice, at FROM item WHERE v > 2 ORDER BY name"
types = { at = "time" }
[view.means]
sql = """SELECT avg(v) AS mean, sum(r) AS total, avg(v) + 0.5 AS half, sum(v) AS typed,
  count(*) AS n
FROM item WHERE v = 3 OR v = 5"""
types = { typed = "real", n = "int" }
[view.endless]
sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"
)";

class QueryTest : public EngineTest {
 protected:
  void fill(int count) {
    open(kModel);
    start_lane();
    for (int i = 0; i < count; ++i) {
      Made made;
      made.entity = "e" + std::to_string(1000 + i);
      made.occurred_at_ns = i;
      made.json = i % 5 == 4 ? "{}"
                             : "{\"v\": " + std::to_string(i % 7) + ", \"r\": 0.5, \"s\": \"x" +
                                   std::to_string(i % 3) + "\", \"ok\": true}";
      add(made);
    }
    feed_.run(*engine_);
    query_ = query();
    ASSERT_TRUE(query_);
  }
  std::vector<std::string> run(const QueryRequest& request) { return rows_of(*query_, request); }
  core::Error refused(const QueryRequest& request) {
    const auto page = query_->run(request, milliseconds(1000));
    EXPECT_FALSE(page);
    return page ? core::Error{} : page.error();
  }
  std::unique_ptr<Query> query_;
};

TEST_F(QueryTest, NamesTablesAndViewsWithTheirTypes) {
  fill(1);
  ASSERT_EQ(query_->tables().size(), 4u);
  EXPECT_EQ(query_->tables()[0].name, "item");
  EXPECT_TRUE(query_->tables()[0].columns[1].key);
  EXPECT_EQ(query_->tables()[0].columns[4].type, Type::kTime);
  EXPECT_TRUE(query_->tables()[1].view);
  EXPECT_EQ(query_->tables()[1].columns[2].name, "twice");
  EXPECT_EQ(query_->tables()[1].columns[2].type, std::nullopt);
  EXPECT_EQ(query_->tables()[1].columns[3].type, Type::kTime);
}

TEST_F(QueryTest, WhatAViewComputesHasOneFormInBothDatabases) {
  fill(4);  // v: 0 to 3
  const auto page = query_->run({"means", {}, {}, {}, 1, ""}, milliseconds(1000));
  ASSERT_TRUE(page) << core::to_string(page.error());
  ASSERT_EQ(page->rows.size(), 1u);
  const std::vector<Cell>& row = page->rows[0];
  EXPECT_EQ(row[0], Cell(std::int64_t{3})) << "whole, and no type is declared";
  EXPECT_EQ(row[1], Cell(0.5));
  EXPECT_EQ(row[2], Cell(3.5));
  EXPECT_EQ(row[3], Cell(3.0)) << "declared as real";
  EXPECT_EQ(row[4], Cell(std::int64_t{1}));
}

TEST_F(QueryTest, FiltersByTypedValuesAndRanges) {
  fill(10);
  using Op = QueryFilter::Op;
  EXPECT_THAT(run({"item", {"name"}, {{"v", Op::kEq, "3"}}, {}, 100, ""}), ElementsAre("e1003"));
  EXPECT_THAT(run({"item", {"name"}, {{"v", Op::kGe, "2"}, {"v", Op::kLt, "4"}}, {}, 100, ""}),
              ElementsAre("e1002", "e1003"));
  EXPECT_THAT(run({"item", {"name"}, {{"v", Op::kIsNull, ""}}, {}, 100, ""}),
              ElementsAre("e1004", "e1009"));
  EXPECT_THAT(
      run({"item", {"name"}, {{"at", Op::kLe, "1970-01-01T00:00:00.000000001Z"}}, {}, 9, ""}),
      ElementsAre("e1000", "e1001"));
  EXPECT_THAT(run({"item", {"name"}, {{"name", Op::kEq, "e1005"}}, {}, 100, ""}),
              ElementsAre("e1005"));
}

TEST_F(QueryTest, FiltersByAListAndByPartsOfText) {
  fill(12);
  using Op = QueryFilter::Op;
  EXPECT_THAT(run({"item", {"name"}, {{"v", Op::kIn, "", {"2", "3", "99"}}}, {}, 100, ""}),
              ElementsAre("e1002", "e1003", "e1010"));
  EXPECT_THAT(run({"item", {"name"}, {{"name", Op::kPrefix, "e101"}}, {}, 100, ""}),
              ElementsAre("e1010", "e1011"));
  EXPECT_THAT(run({"item", {"name"}, {{"name", Op::kContains, "01"}}, {}, 3, ""}),
              ElementsAre("e1001", "e1010", "e1011"));
  EXPECT_THAT(run({"item", {"name"}, {{"s", Op::kIn, "", {"x'1", "%"}}}, {}, 9, ""}), IsEmpty());
  EXPECT_THAT(run({"item", {"name"}, {{"name", Op::kPrefix, "%"}}, {}, 9, ""}), IsEmpty())
      << "no wildcards";
  EXPECT_THAT(run({"item", {"name"}, {{"name", Op::kContains, "_"}}, {}, 9, ""}), IsEmpty());
  EXPECT_EQ(refused({"item", {}, {{"v", Op::kPrefix, "1"}}, {}, 1, ""}).field, "v");
  EXPECT_EQ(refused({"item", {}, {{"v", Op::kIn, "", {}}}, {}, 1, ""}).field, "v");
  EXPECT_EQ(refused({"item", {}, {{"v", Op::kIn, "", {"1", "two"}}}, {}, 1, ""}).field, "v");
}

TEST_F(QueryTest, CountsTheRowsThatFitWhateverThePage) {
  fill(12);
  QueryRequest request{"item", {}, {{"v", QueryFilter::Op::kNotNull, ""}}, {}, 4, "", true};
  const auto first = query_->run(request, milliseconds(1000));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->rows.size(), 4u);
  EXPECT_EQ(first->count, 10u);
  request.cursor = first->next_cursor;
  EXPECT_EQ(query_->run(request, milliseconds(1000))->count, 10u);
  request = {"big", {}, {}, {}, 1, "", true};
  EXPECT_EQ(query_->run(request, milliseconds(1000))->count,
            run({"big", {}, {}, {}, 99, ""}).size());
}

TEST_F(QueryTest, SaysHowFarTheModelIsInTheSameInstant) {
  fill(3);
  const auto page = query_->run({"item", {}, {}, {}, 1, ""}, milliseconds(1000));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->positions.size(), 1u);
  EXPECT_EQ(page->positions[0].sequence, 4u);
  EXPECT_GT(page->last_event_ns, 0);
}

TEST_F(QueryTest, GivesRowsOnlyIfTheModelHasWhatIsAskedFor) {
  fill(3);
  using State = Reached::State;
  const auto ask = [&](core::Seq seq, core::Epoch epoch = core::Epoch{1}) {
    QueryRequest request{"item", {}, {}, {}, 10, ""};
    request.after = {{"plant-7", epoch, core::Lane::kTelemetry, seq}};
    auto page = query_->run(request, milliseconds(1000));
    EXPECT_TRUE(page);
    EXPECT_EQ(page->rows.empty(), !page->is_reached());
    return page->after.at(0);
  };
  EXPECT_EQ(ask(4).state, State::kApplied);
  EXPECT_EQ(ask(1).state, State::kApplied) << "EpochOpened";
  EXPECT_EQ(ask(5).state, State::kNotYet);
  EXPECT_EQ(ask(5).next, 5u);
  EXPECT_EQ(ask(1, core::Epoch{0x77}).state, State::kNotYet);
  EXPECT_EQ(ask(1, core::Epoch{0x77}).next, 0u);
  Made poison;
  poison.json = "{\"v\": \"text\"}";
  add(poison);
  feed_.run(*engine_);
  EXPECT_EQ(ask(5).state, State::kParked);
}

TEST_F(QueryTest, OrdersEitherWayWithTheKeyAsTieBreak) {
  fill(10);
  EXPECT_THAT(
      run({"item", {"v", "name"}, {{"v", QueryFilter::Op::kNotNull, ""}}, {{"v", true}}, 4, ""}),
      ElementsAre("6|e1006", "5|e1005", "3|e1003", "2|e1002"));
}

TEST_F(QueryTest, PagesGiveEachRowOnceInEveryOrder) {
  fill(53);
  for (const std::vector<QueryOrder>& order :
       std::vector<std::vector<QueryOrder>>{{},
                                            {{"v", false}},
                                            {{"v", true}},
                                            {{"s", true}, {"v", false}},
                                            {{"r", true}, {"at", true}}}) {
    QueryRequest request{"item", {"name"}, {}, order, 1000, ""};
    const auto whole = run(request);
    ASSERT_EQ(whole.size(), 53u);
    std::vector<std::string> paged;
    request.limit = 7;
    for (;;) {
      const auto page = query_->run(request, milliseconds(5000));
      ASSERT_TRUE(page);
      for (const auto& row : page->rows) paged.push_back(text(row[0]));
      if (page->next_cursor.empty()) break;
      request.cursor = page->next_cursor;
      EXPECT_EQ(
          request.cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                           "0123456789-_"),
          std::string::npos);
    }
    EXPECT_EQ(paged, whole);
  }
}

TEST_F(QueryTest, APageThatIsExactlyFullIsTheLast) {
  fill(7);
  const auto page = query_->run({"item", {}, {}, {}, 7, ""}, milliseconds(1000));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->rows.size(), 7u);
  EXPECT_EQ(page->next_cursor, "");
}

TEST_F(QueryTest, PagesThroughAView) {
  fill(20);
  QueryRequest request{
      "big", {"name", "twice"}, {{"twice", QueryFilter::Op::kLe, "10"}}, {{"name", false}}, 3, ""};
  std::set<std::string> seen;
  std::size_t rows = 0;
  for (;;) {
    const auto page = query_->run(request, milliseconds(1000));
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& row : page->rows) seen.insert(text(row[0]));
    rows += page->rows.size();
    if (page->next_cursor.empty()) break;
    request.cursor = page->next_cursor;
  }
  EXPECT_EQ(rows, seen.size());
  request.cursor.clear();
  request.limit = 1000;
  EXPECT_EQ(run(request).size(), rows);
  EXPECT_GT(rows, 3u);
}

TEST(Select, LetsAllColumnsOfAViewDecideATie) {
  const QueryTable view{"v", true, {{"a", Type::kInt}, {"b\"c", Type::kInt}, {"d", Type::kInt}}};
  const auto ordered = make_select(view, {"v", {}, {}, {{"d", true}}, 3, ""}, Dialect::kSqlite);
  ASSERT_TRUE(ordered) << ordered.error().message;
  EXPECT_THAT(ordered->text, HasSubstr("ORDER BY \"d\" DESC, \"a\", \"b\"\"c\" LIMIT"));
  const auto as_it_comes = make_select(view, {"v", {}, {}, {}, 3, ""}, Dialect::kSqlite);
  ASSERT_TRUE(as_it_comes);
  EXPECT_THAT(as_it_comes->text, Not(HasSubstr("ORDER BY")));
}

TEST_F(QueryTest, NothingOfARequestBecomesSql) {
  fill(5);
  for (const std::string& evil :
       {std::string("item; DROP TABLE item"), std::string("item\" --"), std::string("_sluice_gate"),
        std::string("sqlite_schema"), std::string("_sluice_held")}) {
    EXPECT_EQ(refused({evil, {}, {}, {}, 10, ""}).code, core::Errc::kNotFound);
    EXPECT_EQ(refused({"item", {evil}, {}, {}, 10, ""}).code, core::Errc::kBadRequest);
    EXPECT_EQ(refused({"item", {}, {{evil, QueryFilter::Op::kEq, "1"}}, {}, 10, ""}).code,
              core::Errc::kBadRequest);
    EXPECT_EQ(refused({"item", {}, {}, {{evil, false}}, 10, ""}).code, core::Errc::kBadRequest);
  }
  EXPECT_THAT(run({"item", {}, {{"name", QueryFilter::Op::kEq, "x' OR '1'='1"}}, {}, 10, ""}),
              IsEmpty());
  EXPECT_EQ(run({"item", {}, {}, {}, 10, ""}).size(), 5u);
  EXPECT_EQ(refused({"item", {"_sluice_at_0"}, {}, {}, 10, ""}).code, core::Errc::kBadRequest);
}

TEST_F(QueryTest, RefusesWhatIsNoRequest) {
  fill(5);
  EXPECT_EQ(refused({"item", {}, {}, {}, 0, ""}).field, "limit");
  EXPECT_EQ(refused({"item", {}, {}, {}, 10'001, ""}).field, "limit");
  EXPECT_EQ(refused({"item", {}, {{"v", QueryFilter::Op::kEq, "many"}}, {}, 1, ""}).field, "v");
  EXPECT_EQ(refused({"item", {}, {{"at", QueryFilter::Op::kEq, "noon"}}, {}, 1, ""}).field, "at");
}

TEST_F(QueryTest, RefusesACursorOfAnotherRequestOrAForgedOne) {
  fill(20);
  const auto page = query_->run({"item", {}, {}, {}, 5, ""}, milliseconds(1000));
  ASSERT_TRUE(page);
  EXPECT_EQ(refused({"item", {}, {}, {{"v", false}}, 5, page->next_cursor}).field, "page");
  EXPECT_EQ(refused({"item", {}, {}, {}, 5, page->next_cursor + "AAAA"}).field, "page");
  EXPECT_EQ(refused({"item", {}, {}, {}, 5, "x"}).field, "page");
  EXPECT_EQ(refused({"big", {}, {}, {}, 5, page->next_cursor}).field, "page");
  const auto forged = [&](QueryRequest request, const std::vector<Cell>& cells) {
    request.cursor = write_cursor(request, cells);
    return refused(request).field;
  };
  EXPECT_EQ(forged({"item", {}, {}, {}, 5, ""}, {std::string("g"), std::int64_t{7}}), "page");
  EXPECT_EQ(forged({"item", {}, {}, {}, 5, ""}, {std::string("g"), std::string(1, '\0')}), "page");
  EXPECT_EQ(forged({"item", {}, {}, {}, 5, ""}, {std::string("g"), std::monostate{}}), "page");
  EXPECT_EQ(forged({"big", {}, {}, {}, 5, ""}, {std::int64_t{-1}}), "page");
}

TEST_F(QueryTest, EndsAtItsDeadline) {
  fill(1);
  const auto page = query_->run({"endless", {}, {}, {}, 1, ""}, milliseconds(30));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, core::Errc::kLimit);
  EXPECT_EQ(run({"item", {}, {}, {}, 1, ""}).size(), 1u);
}

TEST_F(QueryTest, SeesWholeBatchesWhileTheEngineWrites) {
  fill(3);
  EXPECT_EQ(run({"item", {}, {}, {}, 100, ""}).size(), 3u);
  Made made;
  made.entity = "new";
  add(made);
  feed_.run(*engine_);
  EXPECT_EQ(run({"item", {}, {}, {}, 100, ""}).size(), 4u);
}

}  // namespace
}  // namespace sluice::projection
