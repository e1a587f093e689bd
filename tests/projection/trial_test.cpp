// SPDX-License-Identifier: Apache-2.0
// The tests beside the examples, and what a test says when it fails.
#include "projection/trial/trial.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Trial, AllExamplesPassTheTestsBesideThem) {
  std::size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/examples")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".model.toml")) continue;
    ++models;
    SCOPED_TRACE(name);
    const auto model = Model::load(entry.path().string());
    ASSERT_TRUE(model) << model.error().message;
    const auto cases =
        entry.path().parent_path() /
        (name.substr(0, name.size() - std::string("model.toml").size()) + "test.toml");
    const auto trials = parse_trials(text_of(cases), cases.filename().string());
    ASSERT_TRUE(trials) << trials.error().message;
    const test::TempDir dir;
    for (const Trial& trial : *trials) {
      const auto differences =
          run_trial(*model, trial, dir / (std::to_string(trial.where.line) + ".db"));
      ASSERT_TRUE(differences) << trial.name << ": " << differences.error().message;
      EXPECT_THAT(*differences, IsEmpty()) << trial.name;
    }
  }
  EXPECT_GE(models, 4u);
}

const std::string kModel = R"(model = "m"
version = 1
[where]
categories = ["machine"]
[table.t]
key = { gateway = "$gateway", name = "$entity" }
[table.t.columns]
n = "int"
at = "time"
[[table.t.on]]
type = "Reading"
inc = { n = ".n" }
max = { at = "$time" }
)";

std::vector<std::string> differences(const std::string& rest) {
  const auto model = Model::parse(kModel, "m");
  EXPECT_TRUE(model);
  const auto trials = parse_trials(
      "[[test]]\nname = \"x\"\nevents = [\n"
      "{ stream = \"machine/a\", type = \"Reading\", data = { n = 2 }, time = 2026-11-21T03:00:00Z "
      "},\n"
      "{ stream = \"machine/b\", type = \"Reading\", data = { n = \"two\" } } ]\n" +
          rest,
      "m.test.toml");
  EXPECT_TRUE(trials) << (trials ? "" : trials.error().message);
  const test::TempDir dir;
  const auto out = run_trial(*model, trials->front(), dir / "x.db");
  EXPECT_TRUE(out);
  return out ? *out : std::vector<std::string>();
}
const std::string kParked = "parked = [{ kind = \"poison\" }]\n";

TEST(Trial, NamesTableKeyColumnExpectedAndFound) {
  EXPECT_THAT(
      differences(kParked + "expect.t = [{ name = \"a\", n = 3, at = 2026-11-21T04:00:00Z }]"),
      ElementsAre(
          "line 7: table t: row gateway=\"gateway\" name=\"a\", column n: expected 3, found 2",
          HasSubstr("column at: expected \"2026-11-21T04:00:00Z\", found 2026-11-21T03:00:00")));
}

TEST(Trial, NamesMissingAndUnexpectedRowsAndUnknownNames) {
  EXPECT_THAT(differences(kParked + "expect.t = [{ name = \"c\" }]"),
              ElementsAre("line 7: table t: a row with name=\"c\" is missing",
                          "table t: the row gateway=\"gateway\" name=\"a\" is not expected"));
  EXPECT_THAT(differences(kParked + "some.t = []"), IsEmpty());
  EXPECT_THAT(differences(kParked + "some.t = [{ m = 1 }]"),
              ElementsAre("line 7: table t: there is no column m"));
  EXPECT_THAT(differences(kParked + "some.u = []"),
              ElementsAre("line 7: the model has no table or view u"));
}

TEST(Trial, AValueOfAnotherTypeIsNoValueOfTheColumn) {
  EXPECT_THAT(differences(kParked + "some.t = [{ n = \"2\" }]"),
              ElementsAre("line 7: table t: column n is an int: write a whole number, as 7, not "
                          "\"2\""));
  EXPECT_THAT(differences(kParked + "some.t = [{ n = 2.0 }]"), ElementsAre(HasSubstr("an int")));
  EXPECT_THAT(differences(kParked + "some.t = [{ n = true }]"), ElementsAre(HasSubstr("an int")));
  EXPECT_THAT(differences(kParked + "some.t = [{ name = 7 }]"),
              ElementsAre("line 7: table t: column name is a text: write it in quotes, as \"7\", "
                          "not 7"));
  EXPECT_THAT(differences(kParked + "some.t = [{ at = true }]"), ElementsAre(HasSubstr("a time")));
  EXPECT_THAT(differences(kParked + "some.t = [{ n = 2, at = \"2026-11-21T03:00:00Z\" }]"),
              IsEmpty());
}

TEST(Trial, NamesParkedEventsThatWereNotExpectedOrDidNotPark) {
  EXPECT_THAT(differences(""),
              ElementsAre(HasSubstr("parked event 1: expected none, found Reading "
                                    "of machine/b, poison: table t: the field .n")));
  EXPECT_THAT(differences("parked = [{ why = \"key\" }]"),
              ElementsAre(HasSubstr("parked event 1: expected   'key', found Reading")));
  EXPECT_THAT(differences("parked = [{}, { type = \"X\" }]"),
              ElementsAre("parked event 2: expected one of type X, found none"));
}

TEST(Trial, FileErrorsHaveTheirPlace) {
  const auto trials = parse_trials("[[test]]\nevents = [{ typ = \"x\" }]\n", "m.test.toml");
  ASSERT_FALSE(trials);
  EXPECT_EQ(trials.error().code, core::Errc::kConfig);
  EXPECT_THAT(trials.error().message, HasSubstr("m.test.toml:2:13: unknown key 'typ'"));
  EXPECT_THAT(trials.error().message, HasSubstr("m.test.toml:1:1: a test needs a name"));
  EXPECT_THAT(trials.error().message, HasSubstr("an event needs stream = "));
}

}  // namespace
}  // namespace sluice::projection
