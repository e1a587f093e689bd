// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/version_plan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "hub/settings/definition_files.hpp"
#include "hub/settings/hub_settings.hpp"
#include "hub/versions/build_progress.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::hub {
namespace {

constexpr VersionId kOne{1, 1};
constexpr VersionId kTwo{2, 1};
constexpr VersionId kThree{3, 1};

const std::map<VersionId, std::string> kPrints{{kOne, "one"}, {kTwo, "two"}, {kThree, "three"}};

VersionBook serving(VersionId id) {
  VersionBook book;
  book.serve(id, 10);
  return book;
}

Plan plan(const VersionBook& book, std::int64_t version, const char* print) {
  return plan_definition(book, WantedDefinition{version, print}, kPrints);
}

TEST(PlanDefinition, TheFirstVersionServesFromItsFirstEvent) {
  const Plan first = plan({}, 1, "one");
  EXPECT_EQ(first.step, PlanStep::kServeFirst);
  EXPECT_EQ(first.id, kOne);
}

TEST(PlanDefinition, AHigherVersionIsBuiltBeside) {
  const Plan next = plan(serving(kOne), 2, "two");
  EXPECT_EQ(next.step, PlanStep::kBuild);
  EXPECT_EQ(next.id, kTwo);
  EXPECT_FALSE(next.abandon);
  EXPECT_TRUE(next.problem.empty());
}

TEST(PlanDefinition, TheSameDefinitionChangesNothing) {
  const Plan same = plan(serving(kOne), 1, "one");
  EXPECT_EQ(same.step, PlanStep::kStay);
  EXPECT_TRUE(same.problem.empty());
}

TEST(PlanDefinition, ABrokenFileChangesNothing) {
  EXPECT_EQ(plan_definition(serving(kOne), std::nullopt, kPrints).step, PlanStep::kStay);
}

TEST(PlanDefinition, AnEditUnderTheSameVersionIsAProblem) {
  const Plan edited = plan(serving(kOne), 1, "another");
  EXPECT_EQ(edited.step, PlanStep::kStay);
  EXPECT_NE(edited.problem.find("raise its version"), std::string::npos);
}

TEST(PlanDefinition, ALowerVersionIsNoWayBack) {
  const Plan lower = plan(serving(kTwo), 1, "one");
  EXPECT_EQ(lower.step, PlanStep::kStay);
  EXPECT_NE(lower.problem.find("rollback"), std::string::npos);
}

TEST(PlanDefinition, WhatWasRolledBackIsNotTakenAgainByItself) {
  VersionBook book = serving(kOne);
  book.serve(kTwo, 20);
  book.serve(kOne, 30);
  const Plan again = plan(book, 2, "two");
  EXPECT_EQ(again.step, PlanStep::kStay);
  EXPECT_TRUE(again.problem.empty());
  EXPECT_NE(plan(book, 2, "another").problem.find("raise its version"), std::string::npos);
  book.remove(kTwo);
  EXPECT_EQ(plan(book, 2, "two").step, PlanStep::kStay) << "its database was dropped";
  EXPECT_EQ(plan(book, 3, "three").step, PlanStep::kBuild);
}

TEST(PlanDefinition, ABuildGoesOnWithTheSameDefinition) {
  VersionBook book = serving(kOne);
  book.set(kTwo, VersionState::kBuilding, 20, {});
  const Plan same = plan(book, 2, "two");
  EXPECT_EQ(same.step, PlanStep::kStay);
  EXPECT_FALSE(same.abandon);
}

TEST(PlanDefinition, ABuildThatNeverServedMayBeEditedUnderItsVersion) {
  VersionBook book = serving(kOne);
  book.set(kTwo, VersionState::kBuilding, 20, {});
  const Plan edited = plan(book, 2, "another");
  EXPECT_EQ(edited.step, PlanStep::kBuild);
  EXPECT_EQ(edited.id, (VersionId{2, 2}));
  EXPECT_EQ(edited.abandon, kTwo);
}

TEST(PlanDefinition, AHigherVersionTakesThePlaceOfABuild) {
  VersionBook book = serving(kOne);
  book.set(kTwo, VersionState::kBuilding, 20, {});
  const Plan higher = plan(book, 3, "three");
  EXPECT_EQ(higher.step, PlanStep::kBuild);
  EXPECT_EQ(higher.id, kThree);
  EXPECT_EQ(higher.abandon, kTwo);
}

TEST(PlanDefinition, AFileThatWentBackToWhatIsServedGivesUpTheBuild) {
  VersionBook book = serving(kOne);
  book.set(kTwo, VersionState::kBuilding, 20, {});
  const Plan back = plan(book, 1, "one");
  EXPECT_EQ(back.step, PlanStep::kStay);
  EXPECT_EQ(back.abandon, kTwo);
}

TEST(PlanDefinition, ARebuildOfWhatIsServedGoesOn) {
  VersionBook book = serving(kOne);
  book.set({1, 2}, VersionState::kBuilding, 20, "after a verify");
  const Plan same =
      plan_definition(book, WantedDefinition{1, "one"}, {{kOne, "one"}, {VersionId{1, 2}, "one"}});
  EXPECT_EQ(same.step, PlanStep::kStay);
  EXPECT_FALSE(same.abandon);
}

TEST(PlanDefinition, AReturningVersionIsNotDisturbed) {
  VersionBook book = serving(kOne);
  book.serve(kTwo, 20);
  book.set(kOne, VersionState::kReturning, 30, "bad figures");
  const Plan now = plan(book, 3, "three");
  EXPECT_EQ(now.step, PlanStep::kStay);
  EXPECT_FALSE(now.problem.empty());
}

BuildFacts caught_up() {
  BuildFacts facts;
  facts.connected = true;
  facts.check = BuildFacts::Check::kGood;
  return facts;
}

TEST(JudgeBuild, ReadsChecksAndServesInThisOrder) {
  BuildFacts facts = caught_up();
  facts.check = BuildFacts::Check::kUnknown;
  facts.left = kCaughtUp;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReading);
  facts.left = kCaughtUp - 1;
  EXPECT_EQ(judge_build(facts).state, BuildState::kVerifying);
  facts.check = BuildFacts::Check::kGood;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
  facts.check = BuildFacts::Check::kNone;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
  facts.connected = false;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReading) << "0 left means nothing unconnected";
}

TEST(JudgeBuild, WhatDiffersOrIsRefusedNeverServes) {
  BuildFacts facts = caught_up();
  facts.check = BuildFacts::Check::kDiffers;
  facts.check_words = "table machine";
  EXPECT_EQ(judge_build(facts).state, BuildState::kRefused);
  EXPECT_NE(judge_build(facts).why.find("table machine"), std::string::npos);
  facts = caught_up();
  facts.refused = "the hub stream begins at message 5";
  EXPECT_EQ(judge_build(facts).state, BuildState::kRefused);
}

TEST(JudgeBuild, WaitsBehindHolesThatTheServingVersionDoesNotHave) {
  BuildFacts facts = caught_up();
  facts.holes = 2;
  EXPECT_EQ(judge_build(facts).state, BuildState::kWaiting);
}

TEST(JudgeBuild, MoreParkedEventsNeedAnOperatorsWord) {
  BuildFacts facts = caught_up();
  facts.serving_parked = 3;
  facts.parked = 3;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
  facts.parked = 4;
  EXPECT_EQ(judge_build(facts).state, BuildState::kWaiting);
  facts.accepted = true;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
}

TEST(JudgeBuild, OtherParkedEventsThanInTheServingVersionNeedItToo) {
  BuildFacts facts = caught_up();
  facts.serving_parked = 3;
  facts.parked = 3;
  facts.others = 1;
  EXPECT_EQ(judge_build(facts).state, BuildState::kWaiting);
  EXPECT_NE(judge_build(facts).why.find("not the same"), std::string::npos);
  facts.accepted = true;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
}

TEST(JudgeBuild, WhatOperatorsDecidedIsCarriedOutBeforeItServes) {
  BuildFacts facts = caught_up();
  facts.parked = 1;
  facts.deciding = 1;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReading);
  facts = caught_up();
  facts.overtaken = "plant-7.0000000000000001.telemetry.2";
  EXPECT_EQ(judge_build(facts).state, BuildState::kRefused);
  EXPECT_NE(judge_build(facts).why.find("telemetry.2"), std::string::npos);
  facts.accepted = true;
  EXPECT_EQ(judge_build(facts).state, BuildState::kRefused);
  facts.accepted = false;
  facts.returning = true;  // it served with that effect before
  EXPECT_EQ(judge_build(facts).state, BuildState::kWaiting);
  EXPECT_NE(judge_build(facts).why.find("--accept"), std::string::npos);
  EXPECT_TRUE(can_be_replaced({}, facts)) << "what is advised must be done at once";
  facts.accepted = true;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
  EXPECT_FALSE(can_be_replaced({}, facts));
}

TEST(JudgeBuild, WhatServedBeforeReturnsUnchecked) {
  BuildFacts facts = caught_up();
  facts.returning = true;
  facts.check = BuildFacts::Check::kUnknown;
  facts.parked = 9;
  EXPECT_EQ(judge_build(facts).state, BuildState::kReady);
}

TEST(Behind, NamesTheLaneThatReadersWouldSeeGoBack) {
  const std::vector<LanePoint> old{{"plant-7 telemetry", "b", 2, 10}, {"plant-8 alarm", "c", 1, 5}};
  EXPECT_EQ(behind(old, old, true), "");
  auto further = old;
  further[0].next = 20;
  further[1] = {"plant-8 alarm", "d", 2, 2};
  EXPECT_EQ(behind(old, further, true), "") << "a newer epoch counts its own seqs";
  EXPECT_NE(behind(further, old, true).find("plant-7 telemetry"), std::string::npos);
  EXPECT_NE(behind(old, {old[0]}, true).find("plant-8 alarm"), std::string::npos);
}

TEST(Behind, AnAvailableHistoryMayLackWhatTheHubNoLongerHas) {
  const std::vector<LanePoint> old{{"plant-7 telemetry", "b", 2, 10}, {"plant-8 alarm", "c", 1, 5}};
  EXPECT_EQ(behind(old, {{"plant-7 telemetry", "b", 1, 10}}, false), "");
  EXPECT_NE(behind(old, {{"plant-7 telemetry", "b", 1, 9}}, false), "");
}

TEST(BuildProgress, TellsRateAndTimeLeftFromPositions) {
  BuildProgress progress;
  EXPECT_FALSE(progress.eta_s().has_value() && progress.left() > 0);
  constexpr std::uint64_t kSecond = 1'000'000'000;
  for (std::uint64_t s = 0; s <= 30; ++s)
    progress.observe(s * kSecond, s * 1000, 100'000 + s * 500);
  EXPECT_DOUBLE_EQ(progress.rate(), 1000);
  EXPECT_EQ(progress.left(), 85'000u);
  ASSERT_TRUE(progress.eta_s());
  EXPECT_DOUBLE_EQ(*progress.eta_s(), 170) << "500 of each 1000 a second are new ones";
  EXPECT_NEAR(progress.percent(), 26.1, 0.1);
  progress.observe(31 * kSecond, 0, 100'000);
  EXPECT_FALSE(progress.eta_s()) << "all is read again: nothing is known of its pace";
}

TEST(BuildProgress, StandingStillHasNoEnd) {
  BuildProgress progress;
  for (std::uint64_t s = 0; s <= 20; ++s) progress.observe(s * 1'000'000'000, 50, 100);
  EXPECT_FALSE(progress.eta_s());
  EXPECT_DOUBLE_EQ(progress.rate(), 0);
}

TEST(GuessModelName, FindsTheNameInABrokenFile) {
  EXPECT_EQ(
      guess_model_name("# x\n model = \"pumps\" # y\nversion = \n[table", "/a/other.model.toml"),
      "pumps");
  EXPECT_EQ(guess_model_name("model='pumps'", "/a/other.model.toml"), "pumps");
  EXPECT_EQ(guess_model_name("version = 1\n[table.a]\nmodel = \"x\"\n", "/a/b.model.toml"), "b");
  EXPECT_EQ(guess_model_name("models = \"x\"\nmodel = \n", "/a/b.model.toml"), "b");
  EXPECT_EQ(guess_model_name("", "/a/b.model.toml"), "b");
}

TEST(FindDefinitions, WhatIsNoPlainFileIsAProblemInWordsAndNoEndOfTheProgram) {
  namespace fs = std::filesystem;
  test::TempDir folder;
  fs::create_directory(folder / "folder.model.toml");
  ASSERT_EQ(::mkfifo((folder / "pipe.model.toml").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder / "dangling.model.toml");
  HubSettings settings;
  settings.models = {folder.path().string()};
  const auto found = find_definitions(settings);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3u);
  for (const FoundDefinition& one : *found) {
    EXPECT_FALSE(one.definition);
    EXPECT_NE(one.problem.find(one.file), std::string::npos) << one.problem;
  }
}

TEST(FindDefinitions, HiddenFilesAreNoModels) {
  test::TempDir folder;
  std::filesystem::create_symlink("somebody@host.17", folder / ".#pumps.model.toml");
  std::ofstream(folder / "pumps.model.toml") << "model = \"pumps\"\n";
  HubSettings settings;
  settings.models = {folder.path().string()};
  const auto found = find_definitions(settings);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1u) << "an editor's lock is no model";
  EXPECT_EQ(found->front().model, "pumps");
}

}  // namespace
}  // namespace sluice::hub
