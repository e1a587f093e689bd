// SPDX-License-Identifier: Apache-2.0
#include "cli/centre_findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using State = Finding::State;

core::json::object object(const std::string& text) {
  return core::parse_json(text)->as_object();
}

// The only finding, or a failure with all of them.
Finding only(const std::vector<Finding>& all) {
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Finding{} : all.front();
}

std::string model(const std::string& more) {
  return R"({"models":[{"model":"pumps","version":2,"state":"running","applied":12345)" + more +
         "}]}";
}

TEST(CentreFindings, AModelThatIsWellIsSaidToBe) {
  const Finding one = only(findings_of_models(object(model(""))));
  EXPECT_EQ(one.state, State::kOk);
  EXPECT_EQ(one.words, "pumps version 2 is running, 12,345 events applied");
}

TEST(CentreFindings, AStalledShardIsNamedWithItsError) {
  const Finding one = only(findings_of_models(object(model(
      R"(,"shards":[{"shard":"main","state":"stalled","lag":70,"moved_s_ago":95,
          "last_error":"the database is locked"}])"))));
  EXPECT_EQ(one.state, State::kFailed);
  EXPECT_EQ(one.words,
            "pumps on shard main has stood still for 95 s, 70 messages behind: the database is "
            "locked");
  EXPECT_THAT(one.next_step, HasSubstr("goes on by itself"));
}

TEST(CentreFindings, LaggingBlockedAndReReadShardsAreToldApart) {
  const auto state_of = [](const std::string& shard) {
    return only(findings_of_models(object(model(R"(,"shards":[)" + shard + "]"))));
  };
  EXPECT_THAT(state_of(R"({"shard":"a","state":"lagging","lag":5000,"lag_s":12})").words,
              HasSubstr("5,000 messages behind (12 s)"));
  EXPECT_THAT(state_of(R"({"shard":"a","state":"blocked","lag":1})").next_step,
              HasSubstr("the check of holds"));
  EXPECT_THAT(state_of(R"({"shard":"a","state":"running","begun_anew":1})").words,
              HasSubstr("first message again 1 time"));
}

TEST(CentreFindings, ParkedRefusedAndDifferingModelsHaveANextStep) {
  const Finding parked = only(findings_of_models(object(model(R"(,"parked":3)"))));
  EXPECT_EQ(parked.state, State::kWarning);
  EXPECT_THAT(parked.next_step, HasSubstr("sluice parked list --model pumps"));
  EXPECT_THAT(only(findings_of_models(object(model(R"(,"refused":1)")))).words,
              HasSubstr("refused 1 message that"));
  const Finding differs = only(findings_of_models(
      object(model(R"(,"verify":{"differences":2,"at":"2026-11-21T03:14:15Z"})"))));
  EXPECT_EQ(differs.state, State::kFailed);
  EXPECT_THAT(differs.next_step, HasSubstr("sluice model rebuild pumps"));
}

TEST(CentreFindings, AVersionThatCouldNotBeBuiltLeavesTheOldOneServing) {
  const Finding one = only(findings_of_models(object(
      model(R"(,"building":{"version":"3","state":"failed","why":"line 7: no such column"})"))));
  EXPECT_EQ(one.state, State::kFailed);
  EXPECT_EQ(one.words, "pumps version 3 is not served: line 7: no such column");
  EXPECT_THAT(one.next_step, HasSubstr("older version goes on"));
}

TEST(CentreFindings, ADatabaseThatIsAwayIsNamed) {
  const Finding one = only(findings_of_models(
      object(R"({"models":[],"away":[{"model":"pumps","why":"connection refused"}]})")));
  EXPECT_EQ(one.state, State::kFailed);
  EXPECT_EQ(one.words, "the database of pumps does not answer: connection refused");
}

TEST(CentreFindings, ABrokenNewDefinitionIsNamedWhileTheOldOneServes) {
  const Finding one = only(findings_of_models(
      object(model(R"(,"serving":"2","problem":"pumps.model.toml:7:1: no such type")"))));
  EXPECT_EQ(one.state, State::kFailed);
  EXPECT_THAT(one.words, HasSubstr("pumps.model.toml:7:1"));
  EXPECT_THAT(one.next_step, HasSubstr("systemctl reload sluice-hub"));
}

constexpr const char* kHold = R"({"holds":[{"model":"pumps","gateway":"plant-7",
  "epoch":"0f3a52c1d9e87b64","lane":"telemetry","from":512,"to":514,"kind":"missing","held":88,
  "since":"2026-11-21T03:14:15Z","age_s":)";

TEST(CentreFindings, AYoungHoldIsNoFailureAnOldOneIs) {
  EXPECT_EQ(only(findings_of_holds(object(std::string(kHold) + "12}]}"), {})).state, State::kOk);
  const Finding old =
      only(findings_of_holds(object(std::string(kHold) + "700}]}"),
                             object(R"({"gateways":[{"gateway":"plant-7","state":"silent"}]})")));
  EXPECT_EQ(old.state, State::kFailed);
  EXPECT_THAT(old.words, HasSubstr("88 events wait for seq 512 to 514 of lane telemetry"));
  EXPECT_THAT(old.next_step, HasSubstr("not in touch"));
  EXPECT_THAT(old.next_step, HasSubstr("--epoch 0f3a52c1d9e87b64 --lane telemetry --to 514"));
}

TEST(CentreFindings, AnOldHoldOfALiveGatewayIsBlamedOnItsUplink) {
  const Finding old =
      only(findings_of_holds(object(std::string(kHold) + "700}]}"),
                             object(R"({"gateways":[{"gateway":"plant-7","state":"live"}]})")));
  EXPECT_THAT(old.next_step, HasSubstr("sluice-uplink"));
}

TEST(CentreFindings, ClonesSilentGatewaysAndForksAreNamed) {
  const auto all = findings_of_gateways(object(R"({"connected":true,"gateways":[
    {"gateway":"a","state":"clone"},
    {"gateway":"b","state":"silent","age_s":3600},
    {"gateway":"c","state":"live","clock":{"trusted":false},
     "forks":[{"words":"its log lost 40 events","do":"look at its card"}]}]})"));
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].state, State::kFailed);
  EXPECT_THAT(all[0].next_step, HasSubstr("--takeover"));
  EXPECT_EQ(all[1].words, "b has not reported for 60 min");
  EXPECT_THAT(all[2].words, HasSubstr("does not trust its clock"));
  EXPECT_EQ(all[3].words, "c: its log lost 40 events");
  EXPECT_EQ(all[3].next_step, "look at its card");
  EXPECT_EQ(all[4].words, "1 gateway reports in time");
}

TEST(CentreFindings, ReportsThatCannotBeReadAreAFailure) {
  const Finding one = only(findings_of_gateways(
      object(R"({"connected":false,"last_error":"no such bucket","gateways":[]})")));
  EXPECT_EQ(one.state, State::kFailed);
  EXPECT_THAT(one.words, HasSubstr("no such bucket"));
}

TEST(CentreFindings, AFleetsGatewaysWithFullDisksOrWrongClocksAreNamed) {
  const auto all = findings_of_gateways(object(R"({"connected":true,"gateways":[
    {"gateway":"a","state":"live","clock":{"trusted":true,"off_s":-7300},
     "disk":{"free_bytes":1073741824,"total_bytes":34359738368}},
    {"gateway":"b","state":"live","clock":{"trusted":true,"off_s":2},
     "disk":{"free_bytes":17179869184,"total_bytes":34359738368,"days_left":2.5}},
    {"gateway":"c","state":"live","clock":{"trusted":true,"off_s":0},
     "disk":{"free_bytes":17179869184,"total_bytes":34359738368,"days_left":41.5}}]})"));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].state, State::kFailed);
  EXPECT_EQ(all[0].words, "a: its disk is nearly full, 1.0 GiB of 32.0 GiB are free");
  EXPECT_THAT(all[0].next_step, HasSubstr("Make room there"));
  EXPECT_EQ(all[1].words, "a: its clock is off, 2 h 1 min behind the NATS server's");
  EXPECT_THAT(all[1].next_step, HasSubstr("timedatectl"));
  EXPECT_EQ(all[2].state, State::kWarning);
  EXPECT_EQ(all[2].words, "b: its disk is full in 2 d 12 h at the pace of the last hours");
  EXPECT_EQ(all[3].words, "3 gateways report in time");
}

TEST(CentreFindings, AClockThatIsCenturiesOffIsNamedToo) {
  const auto all = findings_of_gateways(object(
      R"({"gateways":[{"gateway":"a","state":"live",
          "clock":{"trusted":true,"off_s":-18000000000}}]})"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0].words, HasSubstr(" d "));
}

TEST(CentreFindings, AHubsWrongClockIsBlamedAndNotItsGateways) {
  const auto reports = object(R"({"connected":true,"now":"2026-11-21T12:00:00Z","gateways":[
    {"gateway":"a","state":"silent","received_at":"2026-11-21T09:59:00Z","age_s":7260},
    {"gateway":"b","state":"silent","received_at":"2026-11-21T09:00:00Z","age_s":10800}]})");
  const auto known = findings_of_gateways(reports, {.hub_ahead_s = 7200});
  ASSERT_EQ(known.size(), 3u);
  EXPECT_EQ(known[0].words, "b has not reported for 60 min");
  EXPECT_THAT(known[1].words, HasSubstr("1 gateway that sluice-hub calls silent"));
  EXPECT_THAT(known[1].next_step, HasSubstr("sluice-hub's clock is off"));
  EXPECT_EQ(known[2].words, "1 gateway reports in time");
  const auto unknown = findings_of_gateways(reports);
  ASSERT_EQ(unknown.size(), 4u);
  EXPECT_EQ(unknown[2].words, "no gateway reports");
}

TEST(CentreFindings, ReportsFromTheFutureSayThatTheHubsClockIsBehind) {
  const auto all =
      findings_of_gateways(object(R"({"connected":true,"now":"2026-11-21T08:00:00Z","gateways":[
    {"gateway":"a","state":"live","received_at":"2026-11-21T09:59:00Z","age_s":0}]})"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].state, State::kFailed);
  EXPECT_THAT(all[0].words, HasSubstr("sluice-hub's clock is behind the NATS server's"));
}

TEST(CentreFindings, AHubBehindDoesNotHideASilentGateway) {
  const auto all =
      findings_of_gateways(object(R"({"connected":true,"now":"2026-11-21T08:00:00Z","gateways":[
    {"gateway":"a","state":"live","received_at":"2026-11-21T09:00:00Z","age_s":0},
    {"gateway":"b","state":"live","received_at":"2026-11-21T09:59:00Z","age_s":0}]})"),
                           {.hub_ahead_s = -7200});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].words, "a has not reported for 60 min");
}

TEST(CentreFindings, AClockIsJudgedByHowFarItIsOff) {
  EXPECT_EQ(finding_of_clock("sluice-hub's", -2).state, State::kOk);
  EXPECT_EQ(finding_of_clock("sluice-hub's", 20).state, State::kWarning);
  const Finding off = finding_of_clock("sluice-hub's", 7200);
  EXPECT_EQ(off.state, State::kFailed);
  EXPECT_EQ(off.words, "sluice-hub's clock is 2 h 0 min ahead of the NATS server's");
}

TEST(CentreFindings, WhereNatsIsDownTheReportsCheckPointsUp) {
  const Finding one = only(findings_of_gateways(
      object(R"({"connected":false,"last_error":"the connection is closed","gateways":[]})"),
      {.nats_answers = false}));
  EXPECT_THAT(one.next_step, HasSubstr("See above"));
}

TEST(CentreFindings, ALockedOrFullDatabaseIsNamedBeforeItsModelCountsAsStalled) {
  const auto step_of = [](const std::string& error) {
    const Finding one = only(findings_of_models(object(model(
        R"(,"shards":[{"shard":"main","state":"running","lag":20,"moved_s_ago":7,"last_error":")" +
        error + R"("}])"))));
    EXPECT_EQ(one.state, State::kWarning);
    EXPECT_EQ(one.words,
              "pumps on shard main does not get on, 20 messages behind, and tries "
              "again: " +
                  error);
    return one.next_step;
  };
  EXPECT_THAT(step_of("/var/lib/hub/pumps-v1.db: database is locked (SQLite 5)"),
              HasSubstr("fuser -v /var/lib/hub/pumps-v1.db"));
  EXPECT_THAT(step_of("another session has locked the read database: PostgreSQL: canceling"),
              HasSubstr("pg_stat_activity"));
  EXPECT_THAT(step_of("pumps-v1.db: database or disk is full (SQLite 13)"), HasSubstr("make room"));
  EXPECT_THAT(step_of("the read database is away: PostgreSQL: no route"),
              HasSubstr("Is PostgreSQL running"));
}

TEST(CentreFindings, AModelThatStandsStillWithoutAReasonMayBeStuck) {
  const auto stuck = [](const std::string& shard) {
    return may_be_stuck(object(model(R"(,"shards":[{"state":"running",)" + shard + "}]")));
  };
  EXPECT_TRUE(stuck(R"("lag":20,"moved_s_ago":4,"last_error":"")"));
  EXPECT_FALSE(stuck(R"("lag":0,"moved_s_ago":4,"last_error":"")"));
  EXPECT_FALSE(stuck(R"("lag":20,"moved_s_ago":0,"last_error":"")"));
  EXPECT_FALSE(stuck(R"("lag":20,"moved_s_ago":4,"last_error":"locked")"));
}

TEST(CentreFindings, AnUnreadyHubsReasonsAreOneLineWithWhatToDo) {
  const Finding one = finding_of_unready(
      "http://h", "not ready\npumps/main: p.db: database is locked (SQLite 5)\nb: x\n");
  EXPECT_EQ(one.words,
            "it answers at http://h, and says: not ready: pumps/main: p.db: database is locked "
            "(SQLite 5); b: x");
  EXPECT_THAT(one.next_step, HasSubstr("fuser -v p.db"));
}

}  // namespace
}  // namespace sluice::cli
