// SPDX-License-Identifier: Apache-2.0
// What operators decided in one version of a model, and what becomes of it in the next.
#include "tests/hub/versions_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::summed_model;
using test::VersionsTest;

TEST_F(VersionsTest, ABuildWaitsWhileItParksMoreThanTheServingVersion) {
  publisher_.make_hub_stream("main");
  publisher_.epoch_opened({}, 1);
  publisher_.event({}, 2, "Measured", R"({"k":1,"value":2})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"k":1,"value":"three"})", "pump/2");
  HubProgram hub(server_.url(), options(careless(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 2); })) << hub.log();
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_NE(stuck(hub), "") << hub.log();
  EXPECT_EQ(serving(hub), "1");
  const auto accepted = post(hub, "pumps/rebuild", R"({"reason":"text is wrong","accept":true})");
  ASSERT_EQ(accepted.status, 200u);
  // The old verdict is gone with the answer: who waits for the version is not told that it cannot.
  const auto answer = core::parse_json(accepted.body);
  ASSERT_TRUE(answer) << accepted.body;
  const core::json::value building = answer->at("building");
  EXPECT_TRUE(building.is_null() || building.at("state").as_string() != "waiting") << accepted.body;
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; })) << hub.log();
}

TEST_F(VersionsTest, WhatOperatorsGaveUpIsGivenUpInTheNextVersionToo) {
  publisher_.make_hub_stream("main");
  publisher_.epoch_opened({}, 1);
  publisher_.event({}, 2, "Measured", R"({"k":1,"value":"two"})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"k":2,"value":3})", "pump/1");
  publisher_.event({}, 4, "Measured", R"({"k":3,"value":4})", "pump/2");
  HubProgram hub(server_.url(), options(summed_model(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 1); })) << hub.log();
  const auto parked = hub.json("/v1/parked").at("parked").as_array();
  ASSERT_EQ(parked.size(), 1u);
  const std::string event(parked[0].as_object().at("event").as_string());
  const auto skipped =
      hub.post("/v1/parked/skip", R"({"model":"pumps","reason":"bench","event":")" + event + "\"}");
  ASSERT_EQ(skipped.status, 200u) << skipped.body;
  ASSERT_TRUE(eventually([&] { return all_there(hub, 2); })) << hub.log();
  EXPECT_EQ(post(hub, "pumps/rebuild").status, 200u);
  EXPECT_TRUE(eventually([&] { return serving(hub) == "1.2"; })) << hub.log();
  EXPECT_TRUE(all_there(hub, 2));
  EXPECT_TRUE(hub.json("/v1/parked").at("parked").as_array().empty());
  // And in one of another definition, and once more.
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; })) << hub.log();
  EXPECT_TRUE(all_there(hub, 2));
  const auto decisions = hub.json("/v1/definitions/pumps/decisions").at("decisions").as_array();
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].as_object().at("event").as_string(), event);
  EXPECT_EQ(decisions[0].as_object().at("deed").as_string(), "skip");
  EXPECT_TRUE(decisions[0].as_object().at("done").as_bool());
}

// Version 1 takes what version 2 cannot, so it had its effect there before it was given up.
TEST_F(VersionsTest, WhatWasGivenUpSinceIsOutOfAVersionThatIsRolledBackToByOneCommand) {
  publisher_.make_hub_stream("main");
  publisher_.epoch_opened({}, 1);
  publisher_.event({}, 2, "Measured", R"({"k":1,"value":2})", "pump/1");
  publisher_.event({}, 3, "Measured", R"({"k":1,"value":"three"})", "pump/2");
  HubProgram hub(server_.url(), options(careless(1)));
  ASSERT_TRUE(eventually([&] { return all_there(hub, 2); })) << hub.log();
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_NE(stuck(hub), "") << hub.log();
  ASSERT_EQ(post(hub, "pumps/rebuild", R"({"reason":"text is wrong","accept":true})").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; })) << hub.log();
  const auto skipped =
      hub.post("/v1/parked/skip", R"({"model":"pumps","reason":"bench",)"
                                  R"("event":"plant-7.0000000000001111.telemetry.3"})");
  ASSERT_EQ(skipped.status, 200u) << skipped.body;

  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  const std::string why = stuck(hub);
  EXPECT_NE(why.find("telemetry.3"), std::string::npos) << why;
  EXPECT_NE(why.find("`sluice model rebuild NAME --reason TEXT`"), std::string::npos) << why;
  const auto anew = post(hub, "pumps/rebuild");
  ASSERT_EQ(anew.status, 200u) << anew.body;
  ASSERT_TRUE(eventually([&] { return serving(hub) == "1.2"; })) << hub.log();
  EXPECT_TRUE(all_there(hub, 1));
  EXPECT_TRUE(hub.json("/v1/parked").at("parked").as_array().empty());
  // And forward: there it was never in.
  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  EXPECT_TRUE(eventually([&] { return serving(hub) == "2"; })) << hub.log();
}

TEST_F(VersionsTest, AHoleThatWasSteppedOverIsNotAskedForAgainByTheNextVersion) {
  publisher_.make_hub_stream("main");
  fill(101);
  publisher_.events({}, 151, 200);
  HubProgram hub(server_.url(), options(summed_model(1)));
  const auto holds = [&] { return hub.json("/v1/holds").at("holds").as_array().size(); };
  ASSERT_TRUE(eventually([&] { return all_there(hub, 100) && holds() == 1; })) << hub.log();
  const auto skipped =
      hub.post("/v1/holds/skip", R"({"gateway":"plant-7","epoch":"0000000000001111",)"
                                 R"("lane":"telemetry","to":150,"reason":"the card burned"})");
  ASSERT_EQ(skipped.status, 200u) << skipped.body;
  ASSERT_TRUE(eventually([&] { return all_there(hub, 150); })) << hub.log();
  publisher_.events({}, 121, 130);  // too late there, and so here
  edit(hub, summed_model(2));
  EXPECT_EQ(post(hub, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "2"; })) << stuck(hub) << hub.log();
  EXPECT_TRUE(all_there(hub, 150));
  EXPECT_EQ(holds(), 0u);
  // And of what was stepped over since by a version that served before.
  publisher_.events({}, 301, 310);
  ASSERT_TRUE(eventually([&] { return holds() == 1; })) << hub.log();
  EXPECT_EQ(
      hub.post("/v1/holds/skip", R"({"gateway":"plant-7","epoch":"0000000000001111",)"
                                 R"("lane":"telemetry","to":300,"reason":"the next one too"})")
          .status,
      200u);
  ASSERT_EQ(post(hub, "pumps/rollback").status, 200u);
  ASSERT_TRUE(eventually([&] { return serving(hub) == "1"; })) << stuck(hub) << hub.log();
  EXPECT_TRUE(all_there(hub, 160));
  const auto told = hub.json("/v1/definitions/pumps/decisions").at("skipped").as_array();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].as_object().at("to").as_int64(), 300);
  EXPECT_TRUE(told[1].as_object().at("done").as_bool());
}

}  // namespace
}  // namespace sluice
