// SPDX-License-Identifier: Apache-2.0
#include "hub/api/query_params.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

using Op = projection::QueryFilter::Op;

std::string refused_field(const http::Pairs& query) {
  const auto parsed = parse_query_params("t", query);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, core::Errc::kBadRequest);
  return parsed.error().field;
}

TEST(QueryParams, DefaultsToTheFirstHundredRows) {
  const auto parsed = parse_query_params("readings", {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->table, "readings");
  EXPECT_EQ(parsed->limit, 100u);
  EXPECT_TRUE(parsed->filters.empty());
  EXPECT_TRUE(parsed->order.empty());
}

TEST(QueryParams, ReadsColumnsWithComparisons) {
  const auto parsed = parse_query_params("t", {{"gateway", "plant-7"},
                                               {"n__ge", "5"},
                                               {"n__lt", "9"},
                                               {"s__ne", ""},
                                               {"x__null", "true"},
                                               {"y__null", "false"},
                                               {"odd__name", "1"}});
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->filters.size(), 7u);
  EXPECT_EQ(parsed->filters[0].column, "gateway");
  EXPECT_EQ(parsed->filters[0].op, Op::kEq);
  EXPECT_EQ(parsed->filters[1].column, "n");
  EXPECT_EQ(parsed->filters[1].op, Op::kGe);
  EXPECT_EQ(parsed->filters[2].op, Op::kLt);
  EXPECT_EQ(parsed->filters[3].op, Op::kNe);
  EXPECT_EQ(parsed->filters[4].op, Op::kIsNull);
  EXPECT_EQ(parsed->filters[5].op, Op::kNotNull);
  EXPECT_EQ(parsed->filters[6].column, "odd__name");
}

TEST(QueryParams, ReadsWhereWithAnyValueBehindItsFirstSign) {
  const auto parsed = parse_query_params(
      "t", {{"where", "name=a=b<c"}, {"where", "n<=5"}, {"where", "limit!=3"}, {"where", "n>1"}});
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->filters.size(), 4u);
  EXPECT_EQ(parsed->filters[0].column, "name");
  EXPECT_EQ(parsed->filters[0].value, "a=b<c");
  EXPECT_EQ(parsed->filters[1].op, Op::kLe);
  EXPECT_EQ(parsed->filters[1].value, "5");
  EXPECT_EQ(parsed->filters[2].column, "limit");
  EXPECT_EQ(parsed->filters[2].op, Op::kNe);
  EXPECT_EQ(parsed->filters[3].op, Op::kGt);
}

TEST(QueryParams, ReadsOrderFieldsLimitAndPage) {
  const auto parsed = parse_query_params(
      "t", {{"order", "-hour,gateway"}, {"fields", "n,gateway"}, {"limit", "7"}, {"page", "abc="}});
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->order.size(), 2u);
  EXPECT_EQ(parsed->order[0].column, "hour");
  EXPECT_TRUE(parsed->order[0].descending);
  EXPECT_FALSE(parsed->order[1].descending);
  EXPECT_EQ(parsed->fields, (std::vector<std::string>{"n", "gateway"}));
  EXPECT_EQ(parsed->limit, 7u);
  EXPECT_EQ(parsed->cursor, "abc=");
}

TEST(QueryParams, RefusesWithTheParameterThatIsWrong) {
  EXPECT_EQ(refused_field({{"limit", "0"}}), "limit");
  EXPECT_EQ(refused_field({{"limit", "10001"}}), "limit");
  EXPECT_EQ(refused_field({{"limit", "ten"}}), "limit");
  EXPECT_EQ(refused_field({{"limit", "-1"}}), "limit");
  EXPECT_EQ(refused_field({{"order", "a,,b"}}), "order");
  EXPECT_EQ(refused_field({{"order", "-"}}), "order");
  EXPECT_EQ(refused_field({{"fields", ""}}), "fields");
  EXPECT_EQ(refused_field({{"where", "nothing"}}), "where");
  EXPECT_EQ(refused_field({{"where", "=5"}}), "where");
  EXPECT_EQ(refused_field({{"where", "a!5"}}), "where");
  EXPECT_EQ(refused_field({{"n__null", "yes"}}), "n__null");
  EXPECT_EQ(refused_field(http::Pairs(33, {"n", "1"})), "where");
}

TEST(QueryParams, RefusesASecondValueWhereOneWouldBeIgnored) {
  EXPECT_EQ(refused_field({{"limit", "1"}, {"limit", "2"}}), "limit");
  EXPECT_EQ(refused_field({{"limit", "1"}, {"n", "5"}, {"limit", "1"}}), "limit");
  EXPECT_EQ(refused_field({{"page", "a"}, {"page", "b"}}), "page");
  EXPECT_EQ(refused_field({{"count", "true"}, {"count", "false"}}), "count");
  EXPECT_EQ(refused_field({{"wait", "1s"}, {"wait", "2s"}}), "wait");
  EXPECT_EQ(refused_field({{"deadline", "1s"}, {"deadline", "2s"}}), "deadline");
  EXPECT_EQ(refused_field({{"fields", "value,value"}}), "fields");
  EXPECT_EQ(refused_field({{"fields", "value"}, {"fields", "n,value"}}), "fields");
  EXPECT_EQ(refused_field({{"n", "5"}, {"n", "5"}, {"where", "n=5"}, {"where", "n=5"}}),
            "accepted");
}

TEST(QueryParams, ReadsListsAndPartsOfText) {
  const auto parsed = parse_query_params(
      "t", {{"a__in", "x,y\\,z,"}, {"b__prefix", "50%"}, {"c__contains", "a,b"}});
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->filters.size(), 3u);
  EXPECT_EQ(parsed->filters[0].op, Op::kIn);
  EXPECT_EQ(parsed->filters[0].values, (std::vector<std::string>{"x", "y,z", ""}));
  EXPECT_EQ(parsed->filters[1].op, Op::kPrefix);
  EXPECT_EQ(parsed->filters[1].value, "50%");
  EXPECT_EQ(parsed->filters[2].op, Op::kContains);
  EXPECT_EQ(parsed->filters[2].value, "a,b");
}

TEST(QueryParams, ReadsWhatToWaitForAndHowLong) {
  using std::chrono::milliseconds;
  const auto parsed = parse_query_params(
      "t", {{"after", "plant-7:0000000000000f3a:telemetry:42,plant-8:0000000000000001:alarm:1"},
            {"wait", "2s"},
            {"deadline", "250ms"},
            {"count", "true"}});
  ASSERT_TRUE(parsed) << core::to_string(parsed.error());
  ASSERT_EQ(parsed->after.size(), 2u);
  EXPECT_EQ(parsed->after[0].seq, 42u);
  EXPECT_EQ(parsed->after[1].lane, core::Lane::kAlarm);
  EXPECT_EQ(parsed->wait, milliseconds(2000));
  EXPECT_EQ(parsed->deadline, milliseconds(250));
  EXPECT_TRUE(parsed->count);
  EXPECT_EQ(refused_field({{"after", "plant-7"}}), "after");
  EXPECT_EQ(refused_field({{"wait", "31s"}}), "wait");
  EXPECT_EQ(refused_field({{"wait", "-1s"}}), "wait");
  EXPECT_EQ(refused_field({{"wait", "2"}}), "wait");
  EXPECT_EQ(refused_field({{"deadline", "11s"}}), "deadline");
  EXPECT_EQ(refused_field({{"count", "yes"}}), "count");
}

}  // namespace
}  // namespace sluice::hub
