// SPDX-License-Identifier: Apache-2.0
// Holes that an operator stepped over are stepped over in the next database of the model too.
#include <gmock/gmock.h>

#include "projection/database/target.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SkipsTest : public test::EngineTest {
 protected:
  void SetUp() override { open(); }
  void event(core::Seq seq) { feed_.add(one_.event(seq)); }
  void apply(std::size_t batch = 100) { feed_.run(*engine_, batch); }
  std::vector<SkippedHole> skipped() {
    const auto all = engine_->skipped_holes();
    EXPECT_TRUE(all);
    return all ? *all : std::vector<SkippedHole>{};
  }
  // "epoch from-to", with a '+' if it is done here.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const SkippedHole& hole : skipped())
      out.push_back(std::to_string(hole.epoch.value) + " " + std::to_string(hole.range.from) + "-" +
                    std::to_string(hole.range.to) + (hole.done ? "+" : ""));
    return out;
  }
  // Another database; nothing is read yet.
  void open_other(const std::vector<SkippedHole>& holes) {
    open();
    feed_.restart_at(0);
    const auto taken = engine_->take_over_skips(holes);
    ASSERT_TRUE(taken) << core::to_string(taken.error());
  }
  std::size_t holes() {
    const auto found = engine_->holes(100);
    EXPECT_TRUE(found);
    return found ? found->size() : 999;
  }
  std::string read(const std::string& sql) {
    auto target = Target::open(place_, Access::kRead);
    EXPECT_TRUE(target);
    const auto text = query_text(**target, sql);
    EXPECT_TRUE(text);
    return text ? *text : "";
  }

  test::LaneMaker two_{"plant-7", 2};
};

TEST_F(SkipsTest, AHoleIsSteppedOverWhereItShowsItself) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u, 6u}) event(seq);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "card was lost"));
  event(4);  // late
  event(9);  // behind another hole, which nobody stepped over
  apply();
  EXPECT_THAT(told(), ElementsAre("1 3-4+"));
  const auto shown = rows("machine");
  const auto taken = skipped();
  EXPECT_NE(taken[0].at_ns, 0);
  for (const std::size_t batch : {1u, 2u, 100u}) {
    SCOPED_TRACE(batch);
    open_other(taken);
    EXPECT_THAT(told(), ElementsAre("1 3-4"));
    reopen();
    apply(batch);
    EXPECT_THAT(rows("machine"), testing::ElementsAreArray(shown));
    EXPECT_THAT(told(), ElementsAre("1 3-4+"));
    EXPECT_EQ(holes(), 1u);
    EXPECT_EQ(engine_->totals()->late, 1u) << "as in the other";
  }
  EXPECT_EQ(skipped()[0].at_ns, taken[0].at_ns);
  EXPECT_THAT(read("SELECT detail FROM _sluice_audit"), HasSubstr("taken over: card was lost"));
  EXPECT_EQ(read("SELECT reason FROM _sluice_absent"), "skipped: card was lost");
}

TEST_F(SkipsTest, WhatIsHeldAlreadyGoesOnAtOnce) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u, 8u}) event(seq);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "one"));
  ASSERT_TRUE(engine_->skip(one_.row(), "two"));
  const auto taken = skipped();
  open();
  feed_.restart_at(0);
  apply();
  EXPECT_EQ(holes(), 2u);
  ASSERT_TRUE(engine_->take_over_skips(taken));
  EXPECT_EQ(holes(), 0u);
  EXPECT_THAT(told(), ElementsAre("1 3-4+", "1 6-7+"));
  ASSERT_TRUE(engine_->take_over_skips(taken));
  EXPECT_EQ(skipped().size(), 2u) << "known already";
}

TEST_F(SkipsTest, AHoleThatIsWiderThanWhatWasSteppedOverIsKept) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u, 6u}) event(seq);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  const auto taken = skipped();
  feed_ = test::Feed();
  feed_.add(one_.opened(0, 0));
  event(2);
  event(6);
  open_other(taken);
  apply();
  EXPECT_EQ(holes(), 1u);
  event(5);
  apply();
  EXPECT_EQ(holes(), 0u);
  EXPECT_THAT(rows("machine"), ElementsAre(HasSubstr("plant-7|press|3|")));
}

// The second hole is the first one only when what was missing before it has come.
TEST_F(SkipsTest, AHoleBehindOneThatClosesIsSteppedOverToo) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u}) event(seq);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  const auto taken = skipped();
  feed_ = test::Feed();
  feed_.add(one_.opened(0, 0));
  event(5);
  event(2);
  open_other(taken);
  apply(1);
  EXPECT_EQ(holes(), 0u);
  EXPECT_THAT(rows("machine"), ElementsAre(HasSubstr("plant-7|press|2|")));
}

TEST_F(SkipsTest, AMissingBeginningAndAPredecessorThatNeverCameAreTakenOver) {
  event(8);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "no beginning"));
  feed_.add(test::LaneMaker("plant-8", 4).opened(3, 6));
  apply();
  ASSERT_TRUE(engine_->skip(test::LaneMaker("plant-8", 3).row(), "never seen"));
  EXPECT_THAT(told(), ElementsAre("1 1-7+", "3 1-6+"));
  const auto taken = skipped();
  open_other(taken);
  apply();
  EXPECT_EQ(holes(), 0u);
  EXPECT_THAT(told(), ElementsAre("1 1-7+", "3 1-6+"));
}

// It ends where its predecessor had come as far as there: what came before is not late here.
TEST_F(SkipsTest, AWaitForAPredecessorEndsWhereItDid) {
  feed_.add(one_.opened(0, 0));
  feed_.add(two_.opened(1, 4));
  feed_.add(two_.event(6));
  event(2);
  apply();
  ASSERT_TRUE(engine_->skip(two_.row(), "the old card burned"));
  EXPECT_THAT(told(), ElementsAre("2 0-2+"));
  event(3);  // of the older epoch, now
  apply();
  EXPECT_EQ(engine_->totals()->old_epoch, 1u);
  const auto taken = skipped();
  for (const std::size_t batch : {1u, 100u}) {
    open_other(taken);
    apply(batch);
    EXPECT_EQ(holes(), 0u);
    EXPECT_EQ(engine_->totals()->old_epoch, 1u);
    EXPECT_THAT(told(), ElementsAre("2 0-2+"));
  }
}

TEST_F(SkipsTest, WhatHadNoRoomBehindTheHoleIsReadAgain) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u, 6u, 7u, 8u, 9u}) event(seq);
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  const auto taken = skipped();
  const auto shown = rows("machine");
  settings_.held_items_max = 2;
  open();
  feed_.restart_at(0);
  apply();
  ASSERT_TRUE(engine_->take_over_skips(taken));
  const auto position = engine_->position(feed_.hub().name);
  ASSERT_TRUE(position && *position);
  EXPECT_LT((*position)->next, 8u);
  feed_.restart_at((*position)->next - 1);
  apply();
  EXPECT_THAT(rows("machine"), testing::ElementsAreArray(shown));
}

TEST_F(SkipsTest, ADatabaseOfAnOlderFormatTellsWhatItGaveUp) {
  feed_.add(one_.opened(0, 0));
  for (const core::Seq seq : {2u, 5u}) event(seq);
  feed_.add(two_.opened(1, 7));
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  ASSERT_TRUE(engine_->skip(two_.row(), "burned"));
  engine_.reset();
  {
    auto target = Target::open(place_, Access::kWrite);
    ASSERT_TRUE(target);
    ASSERT_TRUE(
        (*target)->exec("DROP TABLE _sluice_skipped;"
                        "DROP TABLE _sluice_run;"
                        "ALTER TABLE _sluice_gate DROP COLUMN running;"
                        "ALTER TABLE _sluice_settled DROP COLUMN newest;"
                        "ALTER TABLE _sluice_settled DROP COLUMN category;"
                        "ALTER TABLE _sluice_settled DROP COLUMN type;"
                        "UPDATE _sluice_meta SET value = '4' WHERE name = 'format'"));
  }
  reopen();
  EXPECT_THAT(told(), ElementsAre("1 3-4+", "2 0-0+"));
  EXPECT_EQ(skipped()[0].reason, "lost");
  const auto taken = skipped();
  open_other(taken);
  apply();
  EXPECT_EQ(holes(), 0u);
}

}  // namespace
}  // namespace sluice::projection
