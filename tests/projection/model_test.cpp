// SPDX-License-Identifier: Apache-2.0
#include "projection/model/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace sluice::projection {
namespace {

using testing::HasSubstr;

std::string errors_of(const std::string& toml) {
  const auto model = Model::parse(toml, "m.model.toml");
  return model ? std::string() : model.error().message;
}

const std::string kGood = R"(model = "m"
version = 1
[table.t]
key = { gateway = "$gateway" }
[table.t.columns]
n = "int"
s = "text"
[[table.t.on]]
type = "A"
inc = { n = 1 }
)";

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Model, TakesTheExamples) {
  for (const char* name : {"machine-temperature", "host-telemetry", "delivery", "plant-watch"}) {
    const auto model =
        Model::load(std::string(SLUICE_SOURCE_DIR "/examples/") + name + ".model.toml");
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->name(), name);
    EXPECT_EQ((*model)->database_name(), std::string(name) + "-v1.db");
  }
}

TEST(Model, TakesTheOneInTheDocs) {
  std::ifstream in(SLUICE_SOURCE_DIR "/docs/models.md");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto begin = text.find("```toml\n");
  ASSERT_NE(begin, std::string::npos);
  const auto end = text.find("```", begin + 8);
  EXPECT_EQ(errors_of(text.substr(begin + 8, end - begin - 8)), "");
}

TEST(Model, ExplainsItselfInWordsAndInTheSqlOfEachDialect) {
  const auto model = Model::parse(kGood, "m.model.toml");
  ASSERT_TRUE(model);
  EXPECT_THAT((*model)->explain(), HasSubstr("on A: the row, made if there is none\n    n + 1\n"));
  EXPECT_THAT((*model)->explain(Dialect::kSqlite),
              HasSubstr("CREATE TABLE \"t\" (\n  \"gateway\" TEXT NOT NULL,\n  \"n\" INTEGER"));
  EXPECT_THAT((*model)->explain(Dialect::kSqlite),
              HasSubstr("DELETE FROM \"t\" WHERE \"gateway\""));
  EXPECT_THAT((*model)->explain(Dialect::kPostgres),
              HasSubstr("\"gateway\" text COLLATE \"C\" NOT NULL,\n  \"n\" bigint,\n  \"s\" text"));
}

TEST(Model, KeepsTheColumnsInTheOrderOfTheFile) {
  const auto model = Model::parse(changed("n = \"int\"", "z = \"int\"\nn = \"int\""), "m");
  ASSERT_TRUE(model);
  EXPECT_EQ((*model)->tables()[0].columns[0].name, "z");
}

TEST(Model, NamesAMissingFile) {
  const auto model = Model::load("/nonexistent/x.model.toml");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, core::Errc::kConfig);
  EXPECT_THAT(model.error().message, HasSubstr("/nonexistent/x.model.toml"));
}

TEST(Model, NotesEveryErrorAtOnce) {
  const std::string errors = errors_of("model = \"M\"\nversion = 0\nhistory = \"all\"\n");
  EXPECT_THAT(errors, HasSubstr("m.model.toml:1:9: 'model' must be"));
  EXPECT_THAT(errors, HasSubstr("m.model.toml:2:11: 'version' must be"));
  EXPECT_THAT(errors, HasSubstr("m.model.toml:3:11: 'history' must be"));
  EXPECT_THAT(errors, HasSubstr("a model needs at least one [table.<name>]"));
}

struct Wrong {
  const char* from;
  const char* to;
  const char* error;
};

class ModelError : public testing::TestWithParam<Wrong> {};

TEST_P(ModelError, SaysWhereAndWhy) {
  const std::string errors = errors_of(changed(GetParam().from, GetParam().to));
  EXPECT_THAT(errors, HasSubstr(GetParam().error));
  EXPECT_EQ(errors.find('\n'), std::string::npos) << errors;
}

INSTANTIATE_TEST_SUITE_P(
    All, ModelError,
    testing::Values(
        Wrong{"version = 1", "version = 1\nfoo = 2", "m.model.toml:3:1: unknown key 'foo'"},
        Wrong{"n = \"int\"", "n = = \"int\"", "m.model.toml:6:"},
        Wrong{"n = \"int\"", "n = \"integer\"",
              "m.model.toml:6:5: the type 'integer' must be text"},
        Wrong{"n = \"int\"", "n = { type = \"int\", default = 1.5 }",
              "m.model.toml:6:31: must be a constant of type int"},
        Wrong{"s = \"text\"", "\"S t\" = \"text\"", "m.model.toml:7:1: the name 'S t' must be"},
        Wrong{"s = \"text\"", "sqlite_x = \"text\"", "m.model.toml:7:1: the name 'sqlite_x'"},
        Wrong{"s = \"text\"", "gateway = \"text\"",
              "m.model.toml:7:1: the name 'gateway' is taken"},
        Wrong{"\"$gateway\"", "\"$gatway\"", "m.model.toml:4:19: '$gatway' is no source"},
        Wrong{"\"$gateway\"", "\"$entity\"", "m.model.toml:4:7: the key has neither $gateway"},
        Wrong{"\"$gateway\" }", "\"$gateway\", k = \".k\" }",
              "m.model.toml:4:35: a key column from a data field needs its type"},
        Wrong{"\"$gateway\"", "{ type = \"int\", from = \"$gateway\" }",
              "m.model.toml:4:19: $gateway is of type text"},
        Wrong{"key = { gateway = \"$gateway\" }", "", "m.model.toml:3:8: table 't' needs a key"},
        Wrong{"type = \"A\"", "", "'type', the event type or a list of them, is missing"},
        Wrong{"type = \"A\"", "type = 3", "m.model.toml:9:8: 'type' must be a text or a list"},
        Wrong{"inc = { n = 1 }", "inc = { m = 1 }",
              "m.model.toml:10:9: table 't' has no column 'm'"},
        Wrong{"inc = { n = 1 }", "inc = { gateway = 1 }",
              "m.model.toml:10:9: 'gateway' is a key column and never changes"},
        Wrong{"inc = { n = 1 }", "inc = { s = \".x\" }", "m.model.toml:10:9: inc needs a column"},
        Wrong{"inc = { n = 1 }", "inc = { n = \".\" }", "has an empty field name"},
        Wrong{"inc = { n = 1 }", "inc = { n = \"one\" }", "m.model.toml:10:13: must be a constant"},
        Wrong{"inc = { n = 1 }", "set = { n = \"$time\" }",
              "m.model.toml:10:13: $time is of type time"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\nset = { n = 2 }",
              "column 'n' is changed twice by one event"},
        Wrong{"inc = { n = 1 }", "add = { n = 1 }", "m.model.toml:10:1: unknown key 'add'"},
        Wrong{"inc = { n = 1 }", "delete = true\ninc = { n = 1 }", "deletes the row or changes it"},
        Wrong{"inc = { n = 1 }", "create = false", "neither creates, changes nor deletes"},
        Wrong{"inc = { n = 1 }",
              "latest = { n = \".n\" }\n[[table.t.on]]\ntype = \"B\"\ninc = { n = 1 }",
              "column 'n' is changed by latest elsewhere"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.t]\nsql = \"SELECT 1\"",
              "m.model.toml:11:7: the name 't' is taken"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"SELECT x FROM t\"",
              "m.model.toml:12:7: view 'v': no such column: x"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"DELETE FROM t\"",
              "m.model.toml:12:7: view 'v': not authorized"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"SELECT 1; DROP TABLE t\"",
              "more than one statement"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"SELECT * FROM sqlite_schema\"",
              "view 'v': "},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"PRAGMA user_version\"",
              "not authorized"},
        Wrong{"inc = { n = 1 }", "inc = { n = 1 }\n[view.v]\nsql = \"SELECT load_extension('x')\"",
              "not authorized"},
        Wrong{"inc = { n = 1 }",
              "inc = { n = 1 }\n[view.v]\nsql = \"SELECT n FROM t WHERE n = ?1\"",
              "parameters are not possible"},
        Wrong{"inc = { n = 1 }",
              "inc = { n = 1 }\n[view.v]\nsql = \"SELECT n FROM t\"\ntypes = { m = \"int\" }",
              "it gives no column 'm'"},
        Wrong{"version = 1", "version = 1\nwhere = { gateways = [\"A B\"] }", "is no gateway id"}));

TEST(Model, ASharedTableRefusesSetAndDelete) {
  const std::string shared = R"(model = "m"
version = 1
[table.t]
shared = true
key = { e = "$entity" }
[table.t.columns]
n = "int"
[[table.t.on]]
type = "A"
)";
  EXPECT_EQ(errors_of(shared + "latest = { n = \".n\" }"), "");
  EXPECT_THAT(errors_of(shared + "set = { n = \".n\" }"),
              HasSubstr("m.model.toml:10:9: set is refused in a shared table"));
  EXPECT_THAT(errors_of(shared + "delete = true"),
              HasSubstr("delete is refused in a shared table"));
}

}  // namespace
}  // namespace sluice::projection
