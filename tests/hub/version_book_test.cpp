// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/version_book.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

constexpr VersionId kOne{1, 1};
constexpr VersionId kTwo{2, 1};
constexpr VersionId kTwoAgain{2, 2};
constexpr VersionId kThree{3, 1};

VersionBook one_serves_two_builds() {
  VersionBook book;
  book.serve(kOne, 10);
  book.set(kTwo, VersionState::kBuilding, 20, "the definition says version 2");
  return book;
}

TEST(VersionId, IsWrittenWithItsGenerationOnlyWhenItWasBuiltAgain) {
  EXPECT_EQ(kTwo.text(), "2");
  EXPECT_EQ(kTwoAgain.text(), "2.2");
  EXPECT_EQ(VersionId::parse("2"), kTwo);
  EXPECT_EQ(VersionId::parse("2.2"), kTwoAgain);
  for (const char* bad : {"", "0", "-1", "+1", "01", "2.", "2.1", "2.01", ".2", "2.2.2", "2x", "x"})
    EXPECT_FALSE(VersionId::parse(bad)) << bad;
  EXPECT_LT(kTwo, kTwoAgain);
  EXPECT_LT(kTwoAgain, kThree);
}

TEST(VersionBook, ReadsBackWhatItWrote) {
  VersionBook book = one_serves_two_builds();
  book.set(kThree, VersionState::kReturning, 30, "said \"back\"\n");
  book.find(kThree)->accepted = true;
  const auto read = read_book(write_book(book));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, book);
  for (const char* bad :
       {"", "[]", "{}", R"({"format":1,"taken":1})", R"({"format":1,"taken":1,"versions":[1]})",
        R"({"format":1,"taken":1,"versions":[{"version":"1","state":"x","since_ns":1}]})"})
    EXPECT_FALSE(read_book(bad)) << bad;
  const auto newer = read_book(R"({"format":2,"taken":1,"versions":[]})");
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, core::Errc::kUnsupported);
}

TEST(VersionBook, TheOneThatServedBecomesKept) {
  VersionBook book = one_serves_two_builds();
  book.serve(kTwo, 30);
  ASSERT_NE(book.serving(), nullptr);
  EXPECT_EQ(book.serving()->id, kTwo);
  ASSERT_NE(book.previous(), nullptr);
  EXPECT_EQ(book.previous()->id, kOne);
  EXPECT_EQ(book.coming(), nullptr);
  EXPECT_EQ(book.taken, 2);
}

TEST(VersionBook, OneThatServesAlreadyServesSinceItDid) {
  VersionBook book = one_serves_two_builds();
  book.serve(kOne, 30);
  EXPECT_EQ(book.serving()->since_ns, 10);
  book.serve(kTwo, 40);
  book.serve(kOne, 50);
  EXPECT_EQ(book.serving()->since_ns, 50);
}

TEST(VersionBook, RollingBackTwiceGoesThereAndBack) {
  VersionBook book = one_serves_two_builds();
  book.serve(kTwo, 30);
  book.serve(book.previous()->id, 40);
  EXPECT_EQ(book.serving()->id, kOne);
  EXPECT_EQ(book.previous()->id, kTwo);
  book.serve(book.previous()->id, 50);
  EXPECT_EQ(book.serving()->id, kTwo);
}

TEST(VersionBook, SurplusIsWhatServedLongestAgo) {
  VersionBook book;
  for (std::int64_t version = 1; version <= 5; ++version) book.serve({version, 1}, version * 10);
  EXPECT_EQ(book.surplus(2), (std::vector<VersionId>{kTwo, kOne}));
  EXPECT_EQ(book.surplus(0).size(), 4u);
  EXPECT_TRUE(book.surplus(4).empty());
}

TEST(VersionBook, AnotherBuildOfAVersionHasAnotherName) {
  VersionBook book = one_serves_two_builds();
  EXPECT_EQ(book.next(2), kTwoAgain);
  EXPECT_EQ(book.next(3), kThree);
}

TEST(Reconcile, AKillBetweenLinkAndBookLeavesWhatReadersSee) {
  const VersionBook before = one_serves_two_builds();
  const VersionBook after = reconcile(before, true, kTwo, {kOne, kTwo}, 99);
  EXPECT_EQ(after.serving()->id, kTwo);
  EXPECT_EQ(after.find(kOne)->state, VersionState::kKept);
  EXPECT_EQ(after.coming(), nullptr);
}

TEST(Reconcile, ABuildGoesOn) {
  const VersionBook before = one_serves_two_builds();
  EXPECT_EQ(reconcile(before, true, kOne, {kOne, kTwo}, 99), before);
}

// Killed before its first transaction: the model file that asks for it still does.
TEST(Reconcile, ABuildWhoseDatabaseWasNeverMadeIsForgotten) {
  const VersionBook after = reconcile(one_serves_two_builds(), true, kOne, {kOne}, 99);
  EXPECT_EQ(after.find(kTwo), nullptr);
  EXPECT_EQ(after.serving()->id, kOne);
  EXPECT_EQ(after.taken, 1);
}

TEST(VersionBook, ForgettingARebuildForgetsNotItsVersion) {
  VersionBook book = one_serves_two_builds();
  book.serve(kTwo, 30);
  book.set(kTwoAgain, VersionState::kBuilding, 40, "rebuild");
  book.forget(kTwoAgain);
  EXPECT_EQ(book.taken, 2);
  book.set(kThree, VersionState::kBuilding, 50, "the definition says version 3");
  book.remove(kThree);
  book.set(kTwoAgain, VersionState::kBuilding, 60, "rebuild");
  book.forget(kTwoAgain);
  EXPECT_EQ(book.taken, 3);
}

TEST(Reconcile, ADatabaseThatNoBookKnowsIsLeftAlone) {
  const VersionBook before = one_serves_two_builds();
  EXPECT_EQ(reconcile(before, true, kOne, {kOne, kTwo, kThree}, 99), before);
}

TEST(Reconcile, AnOlderProgramsNewestDatabaseServes) {
  const VersionBook after = reconcile({}, false, std::nullopt, {kTwo, kThree, kOne}, 99);
  EXPECT_EQ(after.serving()->id, kThree);
  EXPECT_EQ(after.versions.size(), 3u);
  EXPECT_EQ(after.taken, 3);
}

TEST(Reconcile, AServingVersionWhoseDatabaseIsGoneIsSaidToBeLostAndItsNameIsNotGivenAgain) {
  VersionBook before = one_serves_two_builds();
  before.serve(kTwo, 30);
  for (const auto& link : {std::optional(kTwo), std::optional<VersionId>()}) {
    const VersionBook after = reconcile(before, true, link, {kOne}, 99);
    EXPECT_EQ(after.serving(), nullptr);
    EXPECT_EQ(after.previous()->id, kOne);
    EXPECT_EQ(after.lost, kTwo);
    EXPECT_EQ(after.next(2), kTwoAgain);
    EXPECT_EQ(*read_book(write_book(after)), after);
  }
  EXPECT_EQ(reconcile(before, true, kTwo, {kOne, kTwo}, 99).lost, std::nullopt);
}

TEST(Reconcile, ALinkToNothingServesNothing) {
  const VersionBook after = reconcile(one_serves_two_builds(), true, kThree, {kOne, kTwo}, 99);
  EXPECT_EQ(after.serving(), nullptr);
  EXPECT_EQ(after.previous()->id, kOne);
}

}  // namespace
}  // namespace sluice::hub
