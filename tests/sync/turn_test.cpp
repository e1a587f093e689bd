// SPDX-License-Identifier: Apache-2.0
// The turn between a gateway's uplink and an import, seen from the uplink.
#include <gtest/gtest.h>

#include "sync/report_keeper.hpp"

namespace sluice::sync {
namespace {

using Turn = codec::Report::Turn;
using std::chrono::seconds;

class TurnTest : public testing::Test, protected ReportEffects {
 protected:
  void get_report() override { ++gets_; }
  void put_report(std::uint64_t revision, bool) override { puts_.push_back(revision); }
  void claimed(bool go_on, const std::string&) override { claimed_ = go_on; }
  void taken_over(const std::string&) override { ADD_FAILURE(); }
  void give_way(const std::string&) override { ++given_way_; }
  void others_published() override { ++others_; }
  void report_alarm(std::string_view type, const std::string&) override { alarms_ += type; }

  static StoredReport entry(std::uint64_t revision, std::optional<Turn> turn,
                            const std::string& machine = "board 1") {
    StoredReport out;
    out.revision = revision;
    out.report.machine = machine;
    out.report.turn = std::move(turn);
    return out;
  }
  void finds(StoredReport found, Time now) { keeper_.got(std::optional(std::move(found)), now); }
  void stored(std::uint64_t revision, Time now) {
    keeper_.put({PutAnswer::Kind::kStored, revision, {}}, now);
  }

  ReportKeeper keeper_{{"board 1"}, *this};
  int gets_ = 0;
  std::vector<std::uint64_t> puts_;
  bool claimed_ = false;
  int given_way_ = 0;
  int others_ = 0;
  std::string alarms_;
};

TEST_F(TurnTest, TheUplinkGivesWayAndSaysSo) {
  keeper_.begin(false, seconds(0));
  finds(entry(7, Turn{"abc", Turn::State::kPublishing}), seconds(0));
  ASSERT_EQ(puts_, std::vector<std::uint64_t>{7});
  ASSERT_TRUE(keeper_.turn());
  EXPECT_EQ(keeper_.turn()->importer, "abc");
  EXPECT_EQ(keeper_.turn()->state, Turn::State::kGivenWay);
  EXPECT_EQ(given_way_, 0);  // not before it is written
  stored(8, seconds(1));
  EXPECT_EQ(given_way_, 1);
  EXPECT_FALSE(claimed_);
}

TEST_F(TurnTest, ItGoesOnWhenTheImportIsDone) {
  keeper_.begin(false, seconds(0));
  finds(entry(9, Turn{"abc", Turn::State::kDone}), seconds(0));
  stored(10, seconds(0));
  EXPECT_TRUE(claimed_);
  EXPECT_EQ(others_, 1);  // what it sends next may be there already
  EXPECT_FALSE(keeper_.turn());
}

TEST_F(TurnTest, ItWaitsWhileTheImportLivesAndGoesOnWhenThatIsGone) {
  keeper_.begin(false, seconds(0));
  finds(entry(7, Turn{"abc", Turn::State::kPublishing}), seconds(0));
  stored(8, seconds(0));
  for (std::uint64_t life = 1; life <= 6; ++life) {  // renewed all the time
    keeper_.begin(false, seconds(50 * life));
    finds(entry(8 + life, Turn{"abc", Turn::State::kGivenWay}), seconds(50 * life));
    EXPECT_EQ(given_way_, 1 + static_cast<int>(life));
  }
  keeper_.begin(false, seconds(330));
  finds(entry(14, Turn{"abc", Turn::State::kGivenWay}), seconds(330));
  EXPECT_EQ(given_way_, 8);
  keeper_.begin(false, seconds(361));  // nothing new for a minute
  finds(entry(14, Turn{"abc", Turn::State::kGivenWay}), seconds(361));
  stored(15, seconds(361));
  EXPECT_TRUE(claimed_);
}

TEST_F(TurnTest, AnOpenSessionGivesWayWhenItIsTold) {
  keeper_.begin(false, seconds(0));
  finds(entry(3, std::nullopt), seconds(0));
  stored(4, seconds(0));
  ASSERT_TRUE(claimed_);
  keeper_.look(seconds(5));
  finds(entry(5, Turn{"abc", Turn::State::kPublishing}), seconds(5));
  stored(6, seconds(5));
  EXPECT_EQ(given_way_, 1);
}

TEST_F(TurnTest, AnImportIsNeverTakenForAClone) {
  keeper_.begin(false, seconds(0));
  finds(entry(3, Turn{"abc", Turn::State::kDone}, ""), seconds(0));  // there was no report before
  stored(4, seconds(0));
  EXPECT_TRUE(claimed_);
  EXPECT_EQ(alarms_, "");
}

}  // namespace
}  // namespace sluice::sync
