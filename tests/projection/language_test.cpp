// SPDX-License-Identifier: Apache-2.0
// What the definition language takes and what it refuses, beyond the plain operations
// (model_test.cpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projection/model/model.hpp"
#include "projection/model/sql_params.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string errors_of(const std::string& toml) {
  const auto model = Model::parse(toml, "m.model.toml");
  return model ? std::string() : model.error().message;
}

// Line 1 to 4; a test's own lines begin at 5.
const std::string kHead = "model = \"m\"\nversion = 1\n[where]\ncategories = [\"machine\"]\n";
// Line 5 to 18.
const std::string kMachine = R"([table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
site = "text"
value = "real"
n = "int"
on = "bool"
recent = { type = "list", of = "real", limit = 3 }
alarms = { type = "list", of = { at = "time", text = "text" }, limit = 5 }
[[table.machine.on]]
type = "Moved"
set = { site = ".site", value = ".value", on = true }
append = { recent = ".value", alarms = { at = "$time", text = ".text" } }
count = "n"
)";

std::string fingerprint_of(const std::string& toml) {
  const auto model = Model::parse(toml, "m.model.toml");
  return model ? (*model)->fingerprint() : model.error().message;
}

// A database remembers this text: a change of it would refuse every old database.
TEST(Language, TheFingerprintOfAnOldDefinitionStays) {
  EXPECT_EQ(fingerprint_of(R"(model = "m"
version = 3
history = "available"
[where]
gateways = ["plant-*"]
categories = ["machine"]
types = ["A", "B"]
[table.t]
shared = true
key = { k = { type = "int", from = ".a.k" } }
[table.t.columns]
n = { type = "int", default = 7 }
r = "real"
[[table.t.on]]
type = "A"
category = "machine"
inc = { n = 1 }
latest = { r = ".r" }
[view.v]
sql = "SELECT n FROM t"
)"),
            "model m version 3 history available\ngateways \"plant-*\"\ncategories \"machine\"\n"
            "types \"A\" \"B\"\ntable t shared\n  key k int = .a.k\n  column n int default 7\n"
            "  column r real\n  on \"A\"\n    category \"machine\"\n    inc n = 1\n"
            "    latest r = .r\nview v\nSELECT n FROM t\n");
}

TEST(Language, TargetAndOrderAreNoPartOfTheDefinition) {
  const std::string one =
      "[table.t]\nkey = { gateway = \"$gateway\" }\n[[table.t.on]]\ntype = \"A\"\n";
  const std::string head = "model = \"m\"\nversion = 1\n";
  const std::string other =
      "target = \"postgres\"\n[table.t]\norder = \"arrival\"\nkey = { gateway = \"$gateway\" }\n"
      "[[table.t.on]]\ntype = \"A\"\n";
  EXPECT_EQ(fingerprint_of(head + one), fingerprint_of(head + other));
  EXPECT_EQ((*Model::parse(head + other, "m"))->target(), Dialect::kPostgres);
  EXPECT_EQ((*Model::parse(head + other, "m"))->text(), head + other);
}

TEST(Language, WhereIsDecidedFromTheSubject) {
  const auto model = Model::parse(
      "model = \"m\"\nversion = 1\n[where]\nlanes = [\"alarm\"]\n[table.t]\nkey = { gateway = "
      "\"$gateway\" }\n[[table.t.on]]\ntype = \"A\"\ncategory = \"c\"\n",
      "m");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE((*model)->wants("g", core::Lane::kAlarm, "c", "B"));
  EXPECT_FALSE((*model)->wants("g", core::Lane::kBulk, "c", "B"));
}

TEST(Language, EachPartHasItsPlaceInTheFingerprint) {
  const std::string text = fingerprint_of(kHead + kMachine +
                                          R"([table.machine.on.when]
any = [ { ".value" = { gt = 90, lt = 120.5 } }, { not = { "$lane" = { in = ["alarm", "bulk"] } } } ]
row.n = { lt = 10 }
".site" = { exists = false }
[table.site]
window = { size = "5m", late = "1h", beyond = { count = "too_late" } }
shared = true
order = "arrival"
[table.site.key]
site = { lookup = "machine.site", missing = "skip" }
start = "$window"
[table.site.columns]
too_late = "int"
n = "int"
load = "real"
[[table.site.on]]
type = "Moved"
dec = { load = ".load" }
count = { n = ".x" }
[[on]]
type = "Calibrated"
args = { o = { type = "real", from = ".offset" }, g = "$gateway" }
touches = "machine"
[on.sql]
any = "UPDATE machine SET value = :o WHERE gateway = :g"
postgres = "UPDATE machine SET value = :o::float8 WHERE gateway = :g"
[view.v]
sql = { sqlite = "SELECT n FROM site", postgres = "SELECT n AS n FROM site" }
)");
  EXPECT_THAT(text, HasSubstr("column alarms list 5 of at:time text:text\n"));
  EXPECT_THAT(text,
              HasSubstr("    when (((.value > 90 and .value < 120.5) or not $lane in [\"alarm\", "
                        "\"bulk\"]) and row.n < 10 and not .site exists)\n"))
      << text;
  EXPECT_THAT(text, HasSubstr("    append recent = .value\n    append alarms = $time, .text\n"));
  EXPECT_THAT(text, HasSubstr("    count n = 1\n"));
  EXPECT_THAT(text, HasSubstr("  window of $time size 300 s late 3600 s beyond count too_late\n"));
  EXPECT_THAT(text, HasSubstr("key site text = lookup machine.site ($gateway, $entity) or skip\n"));
  EXPECT_THAT(text, HasSubstr("    dec load = .load\n    count n = .x\n"));
  EXPECT_THAT(text, HasSubstr("on \"Calibrated\"\n  argument o real = .offset\n"));
  EXPECT_THAT(text, HasSubstr("  postgres\nUPDATE machine SET value = :o::float8"));
  EXPECT_THAT(text, HasSubstr("view v\nSELECT n FROM site\npostgres\nSELECT n AS n FROM site\n"));
}

TEST(Language, WarnsOfWhatIsSeldomMeant) {
  const auto model = Model::parse(
      kHead +
          "types = [\"B\"]\n[table.t]\nkey = { gateway = \"$gateway\" }\n[table.t.columns]\nn = "
          "\"int\"\n[[table.t.on]]\ntype = \"A\"\ncategory = \"pump\"\n",
      "m.model.toml");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(
      (*model)->warnings(),
      ElementsAre(
          "m.model.toml:6:8: warning: nothing changes the column 'n' of table 't'",
          "m.model.toml:10:1: warning: no event of type A passes [where] types",
          "m.model.toml:10:1: warning: no event of category pump passes [where] categories"));
}

TEST(Language, FindsNamedParametersAndLeavesTheRestAlone) {
  const std::string text =
      "UPDATE t SET a = :a, b = ':b', \"c:c\" = :a::text -- :d\n/* :e */ WHERE x = $q$ :f $q$ AND "
      "y = :g";
  EXPECT_THAT(sql::parameter_names(text), ElementsAre("a", "g"));
  EXPECT_EQ(
      sql::number_parameters(text, {"g", "a"}),
      "UPDATE t SET a = ?2, b = ':b', \"c:c\" = ?2::text -- :d\n/* :e */ WHERE x = $q$ :f $q$ "
      "AND y = ?1");
}

struct Wrong {
  const char* lines;  // after kHead and kMachine: line 19 on
  const char* error;
};

class LanguageError : public testing::TestWithParam<Wrong> {};

TEST_P(LanguageError, SaysWhereAndWhatInstead) {
  const std::string errors = errors_of(kHead + kMachine + GetParam().lines);
  EXPECT_THAT(errors, HasSubstr(GetParam().error));
  EXPECT_EQ(errors.find('\n'), std::string::npos) << errors;
}

#define RULE "[[table.machine.on]]\ntype = \"X\"\n"
#define TABLE(key, more)                \
  "[table.u]\nkey = { " key " }\n" more \
  "[table.u.columns]\nm = \"int\"\n"    \
  "[[table.u.on]]\ntype = \"X\"\ninc = { m = 1 }\n"

INSTANTIATE_TEST_SUITE_P(
    All, LanguageError,
    testing::Values(
        // conditions
        Wrong{"when = { value = 1 }", "m.model.toml:19:10: a condition asks a source in quotes"},
        Wrong{"when = { \".value\" = { above = 1 } }", "19:23: 'above' is no question: eq, ne"},
        Wrong{"when = { \".value\" = {} }", "a condition without a question"},
        Wrong{"when = {}", "19:8: a condition without a question"},
        Wrong{"when = { \"$lan\" = \"alarm\" }", "'$lan' is no source"},
        Wrong{"when = { \"$seq\" = \"a\" }", "must be a constant of type int"},
        Wrong{"when = { \"$time\" = { gt = \"yesterday\" } }", "is not a time such as"},
        Wrong{"when = { \"$late\" = { gt = true } }", "bool has no order"},
        Wrong{"when = { \"$time\" = { gt = \"$lane\" } }", "$lane is of type text, not time"},
        Wrong{"when = { \".a\" = { in = [] } }", "'in' takes a list of constants"},
        Wrong{"when = { \".a\" = { in = [\".b\"] } }", "'in' takes constants"},
        Wrong{"when = { any = { \".a\" = 1 } }", "'any' takes a list"},
        Wrong{"when = { row.m = 1 }", "table 'machine' has no column 'm'"},
        Wrong{"when = { \".a\" = [1] }", "a comparison takes a number, a text"},
        // lists, counts
        Wrong{RULE "set = { recent = \".v\" }", "a list is changed by append"},
        Wrong{RULE "append = { n = \".v\" }", "append needs a column of type list"},
        Wrong{RULE "append = { recent = { a = \".v\" } }", "the list holds single values"},
        Wrong{RULE "append = { alarms = \".v\" }", "the list holds several values each"},
        Wrong{RULE "append = { alarms = { at = \"$time\" } }",
              "the value 'text' of the list is missing"},
        Wrong{RULE "append = { alarms = { at = \"$time\", text = \"$lane\", x = 1 } }",
              "the list's elements have no value 'x'"},
        Wrong{RULE "append = { recent = \"$time\" }", "$time is of type time, not real"},
        Wrong{RULE "max = { recent = \".v\" }", "21:9: max does not order list"},
        Wrong{RULE "count = \"site\"", "count needs a column of type int"},
        Wrong{RULE "count = 3", "'count' is a column, a list of columns or"},
        Wrong{RULE "dec = { on = true }", "dec needs a column of type int or real"},
        // windows
        Wrong{TABLE("g = \"$gateway\"", "window = { size = \"5m\" }\n"),
              "the key needs a column for the window's beginning"},
        Wrong{TABLE("g = \"$gateway\", s = \"$window\"", ""), "$window needs window = {"},
        Wrong{TABLE("g = \"$gateway\", s = \"$window\"", "window = { size = \"5 min\" }\n"),
              "21:19: 'size' is a number of s, m, h or d"},
        Wrong{TABLE("g = \"$gateway\", s = \"$window\"",
                    "window = { size = \"5m\", late = \"1h\" }\n"),
              "what becomes of an event that is later than that?"},
        Wrong{TABLE("g = \"$gateway\", s = \"$window\"",
                    "window = { size = \"5m\", late = \"1h\", beyond = \"drop\" }\n"),
              "'beyond' is \"ignore\", \"park\" or"},
        Wrong{TABLE("g = \"$gateway\", s = \"$window\"",
                    "window = { size = \"5m\", of = \"$lane\" }\n"),
              "$lane is no time"},
        // lookups
        Wrong{TABLE("g = \"$gateway\", s = { lookup = \"machine.sit\", missing = \"skip\" }", ""),
              "table 'machine' has no column 'sit'"},
        Wrong{TABLE("g = \"$gateway\", s = { lookup = \"u.m\", missing = \"skip\" }", ""),
              "'u' is no table that stands above this one"},
        Wrong{TABLE("g = \"$gateway\", s = { lookup = \"machine.site\" }", ""),
              "a lookup says what is done when there is no such row"},
        Wrong{TABLE("g = \"$gateway\", s = { lookup = \"machine.site\", missing = \"null\" }", ""),
              "a key is never NULL"},
        Wrong{TABLE("g = \"$gateway\", s = { lookup = \"machine.site\", key = { gateway = "
                    "\"$gateway\" }, missing = \"skip\" }",
                    ""),
              "the key column 'machine' of table 'machine' is missing here"},
        Wrong{RULE "set = { n = { lookup = \"machine.n\", missing = \"null\" } }",
              "'machine' is no table that stands above"},
        // SQL of one's own
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"DELETE FROM other\"",
              "SQL: no such table: other"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"site\"\nsql = \"DELETE FROM machine\"",
              "'site' is no table of this model"},
        Wrong{TABLE("g = \"$gateway\"",
                    "") "[[on]]\ntype = \"X\"\ntouches = \"u\"\nsql = \"DELETE FROM machine\"",
              "SQL: not authorized"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET "
              "_sluice_order = 1\"",
              "SQL: "},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "random()\"",
              "SQL: not authorized to use function: random"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE OR ROLLBACK machine SET "
              "n = 1\"",
              "OR ROLLBACK would undo other events"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "strftime('%s', 'NOW')\"",
              "SQL: the present time is another one"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "unixepoch ( )\"",
              "SQL: the present time is another one"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = ?1\"",
              "SQL: a parameter is :name"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = @n\"",
              "SQL: a parameter is :name"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"SELECT 1\"",
              "not an INSERT, UPDATE or DELETE"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = :n\"",
              "the parameter :n is not among args"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nargs = { n = \"$seq\" }\nsql = "
              "\"DELETE FROM machine\"",
              "the SQL does not use the argument :n"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nargs = { n = \".n\" }\nsql = \"UPDATE "
              "machine SET n = :n\"",
              "an argument from a data field needs its type"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "strftime('%Y')\"",
              "SQL: the present time is another one"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "unixepoch('2026-01-01', 'localtime')\"",
              "SQL: the present time is another one"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = \"UPDATE machine SET n = "
              "\\\"typo\\\"\"",
              "SQL: no such column"},
        Wrong{
            "[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = { sqlite = \"UPDATE machine SET n "
            "= 1\", postgres = \"UPDATE machine SET n = extract(epoch FROM Clock_Timestamp())\" }",
            "SQL for PostgreSQL: 'clock_timestamp' gives another result"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = { sqlite = \"UPDATE machine SET "
              "n = 1\", postgres = \"UPDATE machine SET n = (random() * 9)::bigint\" }",
              "SQL for PostgreSQL: 'random' gives another result"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = { sqlite = \"UPDATE machine SET "
              "n = 1\", postgres = \"UPDATE machine SET n = extract(year FROM CURRENT_DATE)\" }",
              "SQL for PostgreSQL: 'current_date' gives another result"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = { sqlite = \"UPDATE machine SET "
              "n = 1\", postgres = \"UPDATE machine SET n = extract(year FROM 'now'::date)\" }",
              "SQL for PostgreSQL: 'now' is another time"},
        Wrong{"[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = { sqlite = \"UPDATE machine SET "
              "n = 1\", postgres = \"UPDATE machine SET _sluice_order = 1\" }",
              "SQL for PostgreSQL: names that begin with _sluice_ are the engine's own"},
        Wrong{"[view.v]\nsql = 'SELECT \"typo\" AS a FROM machine'", "no such column"},
        Wrong{"[[on]]\ntype = \"X\"\nsql = \"DELETE FROM machine\"", "'touches', the tables"},
        Wrong{"[view.v]\nsql = { sqlite = \"SELECT 1\" }", "each kind of database needs its text"},
        // what depends on the order of arrival
        Wrong{TABLE("k = \"$entity\"", "shared = true\n") "create = false\n",
              "create = false is refused here: events of several gateways may meet"},
        Wrong{
            TABLE("g = \"$gateway\"", "") "category = [\"machine\", \"pump\"]\nset = { }\n"
                                          "[table.w]\nkey = { g = \"$gateway\", s = { lookup = "
                                          "\"u.m\", key = { g = \"plant-7\" }, "
                                          "missing = \"skip\" } }\n[[table.w.on]]\ntype = \"X\"\n",
            "this lookup is refused: the row of 'u' is changed by events of another lane or "
            "gateway"}));

// What looks like the above and is not.
TEST(Language, TakesTimesAndWordsThatSayTheSameEachTime) {
  const std::string rule = kHead + kMachine + "[[on]]\ntype = \"X\"\ntouches = \"machine\"\nsql = ";
  EXPECT_EQ(
      errors_of(rule + "\"UPDATE machine SET n = unixepoch('2026-01-01') -- 'now' ROLLBACK\""), "");
  EXPECT_EQ(errors_of(rule + "\"UPDATE machine SET site = 'now' WHERE site = 'rollback'\""), "");
  EXPECT_EQ(
      errors_of(rule +
                "{ sqlite = \"UPDATE machine SET n = strftime('%s', '2026-01-01')\", postgres = "
                "\"UPDATE machine SET n = 1, site = 'random() now()' -- now()\" }"),
      "");
}

TEST(Language, RefusesNamesThatPostgresKeepsForItself) {
  const std::string text =
      "[table.t]\nkey = { ctid = \"$gateway\" }\n[table.t.columns]\nxmin = \"int\"\n"
      "[[table.t.on]]\ntype = \"X\"\nset = { xmin = \".n\" }\n";
  EXPECT_EQ(errors_of(kHead + text), "");
  EXPECT_EQ(errors_of("target = \"postgres\"\n" + kHead + text),
            "m.model.toml:7:9: PostgreSQL has a column of its own of this name in each table\n"
            "m.model.toml:9:1: PostgreSQL has a column of its own of this name in each table");
}

TEST(Language, RefusesATableThatPostgresHasNoRoomFor) {
  const auto model = [](int keys, int columns) {
    std::string text = "[table.t]\nkey = { g = \"$gateway\"";
    for (int i = 1; i < keys; ++i)
      text += ", k" + std::to_string(i) + " = { type = \"int\", from = \".k\" }";
    text += " }\n[table.t.columns]\n";
    for (int i = 0; i < columns; ++i) text += "c" + std::to_string(i) + " = \"int\"\n";
    return kHead + text + "[[table.t.on]]\ntype = \"X\"\nset = { c0 = \".n\" }\n";
  };
  const std::string postgres = "target = \"postgres\"\n";
  EXPECT_EQ(errors_of(model(33, 1598)), "");
  EXPECT_EQ(errors_of(postgres + model(32, 1567)), "") << "and one of the engine's own";
  EXPECT_THAT(errors_of(postgres + model(33, 1)),
              HasSubstr("at most 32 columns in a key; 't' has 33"));
  EXPECT_THAT(errors_of(postgres + model(1, 1599)),
              HasSubstr("at most 1600 columns in a table; 't' has 1601"));
}

// The TOML library takes a stack frame for each part of a key.
TEST(Language, RefusesKeysWithoutEnd) {
  std::string key = "a";
  for (int i = 0; i < 100'000; ++i) key += ".a";
  EXPECT_EQ(errors_of(kHead + key + " = 1\n"),
            "m.model.toml:5:1: a dotted key of more than 64 parts");
  EXPECT_EQ(errors_of(kHead + "[" + key + "]\n"),
            "m.model.toml:5:1: a dotted key of more than 64 parts");
  EXPECT_EQ(errors_of(kHead + "# " + std::string(100, '.') + "\n" + kMachine), "");
}

// Without a [where]: several categories, so several lanes.
TEST(Language, RefusesWhatWouldDependOnTheOrderBetweenLanes) {
  const std::string lanes =
      "model = \"m\"\nversion = 1\n[table.t]\nkey = { gateway = \"$gateway\" }\n"
      "[table.t.columns]\nn = \"int\"\n[[table.t.on]]\ntype = \"A\"\n";
  EXPECT_THAT(
      errors_of(lanes + "set = { n = \".n\" }"),
      HasSubstr("m.model.toml:9:9: set is refused here: events of several lanes of a gateway"));
  EXPECT_THAT(errors_of(lanes + "delete = true"), HasSubstr("m.model.toml:7:1: delete is refused"));
  EXPECT_THAT(errors_of(lanes + "when = { row.n = 1 }"), HasSubstr("a condition upon the row is"));
  EXPECT_EQ(errors_of(lanes + "set = { n = \".n\" }\ncategory = \"machine\""), "");
  EXPECT_EQ(errors_of(lanes + "latest = { n = \".n\" }"), "");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = lanes + "set = { n = \".n\" }";
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_EQ(errors_of(with("[table.t]", "[table.t]\norder = \"arrival\"")), "");
  EXPECT_EQ(errors_of(with("{ gateway = \"$gateway\" }", "{ s = \"$stream\" }")), "");
  EXPECT_EQ(errors_of(with("[table.t]", "[where]\nlanes = [\"alarm\"]\n[table.t]")), "");
}

}  // namespace
}  // namespace sluice::projection
