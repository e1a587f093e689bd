// SPDX-License-Identifier: Apache-2.0
#include "cli/csv.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "cli/import_row.hpp"
#include "core/codec/json_data.hpp"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// All rows of a text, or the first error's words.
core::Result<std::vector<std::vector<std::string>>> rows_of(const std::string& text) {
  std::istringstream input(text);
  auto csv = CsvReader::open(input);
  if (!csv) return csv.error();
  std::vector<std::vector<std::string>> rows = {csv->columns()};
  for (;;) {
    const auto row = csv->next();
    if (!row) return row.error();
    if (!*row) return rows;
    rows.push_back((*row)->fields);
  }
}

std::string problem_of(const std::string& text) {
  const auto rows = rows_of(text);
  return rows ? "accepted" : rows.error().message;
}

TEST(Csv, ReadsPlainAndQuotedFields) {
  const auto rows = rows_of("a,b\r\n1,\"x, \"\"y\"\"\nz\"\n2,\n");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "x, \"y\"\nz"),
                                 ElementsAre("2", "")));
}

TEST(Csv, TheLastRowNeedsNoLineEnd) {
  const auto rows = rows_of("a,b\n1,2");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 2u);
}

TEST(Csv, SkipsAByteOrderMarkAndEmptyLines) {
  const auto rows = rows_of(
      "\xef\xbb\xbf"
      "a,b\n\n1,2\n\n");
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
}

TEST(Csv, RefusesWhatIsNotStrictAndNamesTheLine) {
  EXPECT_THAT(problem_of(""), HasSubstr("empty"));
  EXPECT_THAT(problem_of("a,b\n1,2\n1\n"), HasSubstr("line 3: 1 fields, the header has 2"));
  EXPECT_THAT(problem_of("a,b\n1,2,3\n"), HasSubstr("line 2: 3 fields"));
  EXPECT_THAT(problem_of("a,b\n1,x\"y\"\n"), HasSubstr("line 2: a quote in the middle"));
  EXPECT_THAT(problem_of("a,b\n\"1\"x,2\n"), HasSubstr("line 2: there is text after"));
  EXPECT_THAT(problem_of("a,b\n1,\"2\n"), HasSubstr("ends inside a quoted field"));
  EXPECT_THAT(problem_of("a,a\n"), HasSubstr("'a' is there twice"));
  EXPECT_THAT(problem_of("a,\n"), HasSubstr("no name"));
  EXPECT_THAT(problem_of("a,b\n1,\xff\n"), HasSubstr("UTF-8"));
  EXPECT_THAT(problem_of("a\n" + std::string(1100000, 'x') + "\n"), HasSubstr("longer than 1 MiB"));
}

TEST(Csv, AFieldIsANumberOnlyIfJsonWouldSaySo) {
  const auto json = [](const std::string& field) {
    const auto value = csv_field_to_json(field, false);
    return value ? *value : "error";
  };
  EXPECT_EQ(json("42"), "42");
  EXPECT_EQ(json("-4.25e3"), "-4.25e3");
  EXPECT_EQ(json(""), "null");
  EXPECT_EQ(json("007"), "\"007\"");
  EXPECT_EQ(json("+1"), "\"+1\"");
  EXPECT_EQ(json("1."), "\"1.\"");
  EXPECT_EQ(json("NaN"), "\"NaN\"");
  EXPECT_EQ(json("say \"hi\""), "\"say \\\"hi\\\"\"");
  EXPECT_EQ(json("99999999999999999999"), "error");
  EXPECT_EQ(*csv_field_to_json("99999999999999999999", true), "\"99999999999999999999\"");
  EXPECT_EQ(*csv_field_to_json("42", true), "\"42\"");
}

ImportRows wish() {
  return {"machine/1", "Reading", "timestamp", {}};
}

std::vector<OutgoingEvent> events_of(const ImportRows& rows, const std::string& text) {
  std::istringstream input(text);
  auto csv = CsvReader::open(input);
  auto maker = EventMaker::create(rows, csv->columns());
  EXPECT_TRUE(maker);
  std::vector<OutgoingEvent> events;
  for (auto row = csv->next(); row && *row; row = csv->next())
    events.push_back(*maker->event_of(**row));
  return events;
}

constexpr const char* kTable =
    "timestamp,value,room\n2013-12-02 21:15:00,73.9,a\n2013-12-02 21:15:00,73.9,a\n";

TEST(ImportRow, TheTimeColumnLeavesTheDataAndIsTakenAsUtc) {
  const auto events = events_of(wish(), kTable);
  ASSERT_EQ(events.size(), 2u);
  std::string json;
  codec::data_to_json(events[0].data, json);
  EXPECT_EQ(json, R"({"value":73.9,"room":"a"})");
  EXPECT_EQ(events[0].occurred_at_ns, 1386018900000000000);
}

TEST(ImportRow, EqualRowsAreTwoEventsAndARepeatGivesTheSameIds) {
  const auto first = events_of(wish(), kTable);
  const auto again = events_of(wish(), kTable);
  EXPECT_NE(first[0].id, first[1].id);
  EXPECT_EQ(first[0].id, again[0].id);
  EXPECT_EQ(first[1].id, again[1].id);
}

TEST(ImportRow, RowsAddedAtTheEndKeepTheIdsOfTheOthers) {
  const auto before = events_of(wish(), kTable);
  const auto after = events_of(wish(), std::string(kTable) + "2013-12-02 21:20:00,74.1,a\n");
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after[1].id, before[1].id);
}

TEST(ImportRow, AnotherFileStreamOrTypeIsNeverTakenForThisOne) {
  const auto id = events_of(wish(), kTable)[1].id;
  ImportRows other = wish();
  other.stream = "machine/2";
  EXPECT_NE(events_of(other, kTable)[1].id, id);
  other = wish();
  other.type = "Sampled";
  EXPECT_NE(events_of(other, kTable)[1].id, id);
  // The same second row after another first one.
  EXPECT_NE(events_of(wish(),
                      "timestamp,value,room\n2013-12-02 21:10:00,73.9,a\n"
                      "2013-12-02 21:15:00,73.9,a\n")[1]
                .id,
            id);
}

TEST(ImportRow, NamesTheColumnThatIsNotThere) {
  ImportRows other = wish();
  other.time_column = "when";
  const auto maker = EventMaker::create(other, {"timestamp", "value"});
  ASSERT_FALSE(maker);
  EXPECT_THAT(maker.error().message, HasSubstr("no column 'when'; the file has timestamp, value"));
}

TEST(ImportRow, ABadTimeNamesItsLine) {
  auto maker = EventMaker::create(wish(), {"timestamp", "value"});
  ASSERT_TRUE(maker);
  const auto event = maker->event_of({17, {"yesterday", "1"}});
  ASSERT_FALSE(event);
  EXPECT_THAT(event.error().message, HasSubstr("line 17: 'yesterday' is not a time"));
}

}  // namespace
}  // namespace sluice::cli
