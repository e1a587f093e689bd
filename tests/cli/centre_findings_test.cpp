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

}  // namespace
}  // namespace sluice::cli
