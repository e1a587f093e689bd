// SPDX-License-Identifier: Apache-2.0
// `sluice model check`, `explain` and `test`, as programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kConfig = 78;

Finished sluice(std::vector<std::string> words) {
  words.insert(words.begin(), SLUICE_BIN_DIR "/sluice");
  return run(words);
}
const std::string kExample = SLUICE_SOURCE_DIR "/examples/plant-watch.model.toml";

class ModelVerbs : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = dir_ / name;
    std::ofstream(file) << text;
    return file.string();
  }
  static std::string model(const std::string& rule) {
    return "model = \"m\"\nversion = 1\n[table.t]\nkey = { gateway = \"$gateway\" }\n"
           "[table.t.columns]\nn = \"int\"\n[[table.t.on]]\ntype = \"A\"\n" +
           rule + "\n";
  }
  TempDir dir_;
};

TEST_F(ModelVerbs, CheckSaysEachMistakeWithItsPlaceAndEndsWith78) {
  EXPECT_EQ(sluice({"model", "check", kExample}).code, 0);
  const auto bad = write("bad.model.toml", model("set = { n = \".n\" }"));
  const auto ran = sluice({"model", "check", kExample, bad});
  EXPECT_EQ(ran.code, kConfig) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr(bad + ":9:9: set is refused here"));
  EXPECT_THAT(ran.output, HasSubstr("plant-watch"));
}

TEST_F(ModelVerbs, CheckPrintsWarningsAndIsContent) {
  const auto file = write("m.model.toml", model(""));
  const auto ran = sluice({"model", "check", file});
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("warning: nothing changes the column 'n'"));
}

TEST_F(ModelVerbs, ExplainSpeaksEitherDialect) {
  const auto both = sluice({"model", "explain", kExample});
  EXPECT_EQ(both.code, 0) << both.output;
  EXPECT_THAT(both.out, HasSubstr("WITHOUT ROWID"));
  EXPECT_THAT(both.out, HasSubstr("double precision"));
  const auto one = sluice({"model", "explain", kExample, "--dialect", "postgres"});
  EXPECT_THAT(one.out, Not(HasSubstr("WITHOUT ROWID")));
}

TEST_F(ModelVerbs, TestRunsWhatStandsBesideTheModelAndSaysWhatDiffers) {
  EXPECT_EQ(sluice({"model", "test", kExample}).code, 0);
  const auto file = write("m.model.toml", model("inc = { n = \".n\" }"));
  write(
      "m.test.toml",
      "[[test]]\nname = \"sums\"\nevents = [{ stream = \"a/b\", type = \"A\", data = { n = 2 } }]\n"
      "expect.t = [{ n = 3 }]\n");
  const auto ran = sluice({"model", "test", file});
  EXPECT_EQ(ran.code, 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("column n: expected 3, found 2"));
}

TEST_F(ModelVerbs, TestOfAWrongFileEndsWith78) {
  const auto file = write("m.model.toml", model("inc = { n = \".n\" }"));
  const auto cases = write("x.toml", "[[test]]\nevents = 1\n");
  const auto ran = sluice({"model", "test", file, cases});
  EXPECT_EQ(ran.code, kConfig) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("x.toml:2:10: 'events' is a list"));
}

}  // namespace
}  // namespace sluice::test
