// SPDX-License-Identifier: Apache-2.0
// What operators say to sluice-hub, and what is refused of it.
#include <gtest/gtest.h>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using test::HubProgram;

class DeedsTest : public testing::Test {
 protected:
  DeedsTest() { publisher_.make_hub_stream("main"); }
  // The `field` of a structured error with this status and code.
  static std::string error_field(const http::Response& answer, unsigned status,
                                 std::string_view code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const auto parsed = core::parse_json(answer.body);
    if (!parsed || !parsed->is_object() || !parsed->as_object().contains("error"))
      return "not an error document: " + answer.body;
    const auto& error = parsed->as_object().at("error").as_object();
    EXPECT_EQ(error.at("code").as_string(), code) << answer.body;
    return error.contains("field") ? std::string(error.at("field").as_string()) : std::string();
  }

  test::NatsServer server_;
  test::TestPublisher publisher_{server_.url()};
};

TEST_F(DeedsTest, WhatOperatorsSayIsTextThatEveryDatabaseKeeps) {
  HubProgram hub(server_.url());
  const std::string reason = R"("reason": "a\u0000b")";
  const std::string event = R"("model": "pumps", "event": "plant-7.0000000000001111.telemetry.3")";
  for (const auto& [target, body] : std::vector<std::pair<std::string, std::string>>{
           {"/v1/holds/skip",
            R"({"gateway": "plant-7", "epoch": "0000000000001111", "lane": "alarm", "to": 9, )" +
                reason + "}"},
           {"/v1/parked/skip", "{" + event + ", " + reason + "}"},
           {"/v1/models/pumps/rebuild", "{" + reason + "}"},
           {"/v1/models/pumps/rollback", "{" + reason + "}"}}) {
    const auto answer = hub.post(target, body);
    EXPECT_EQ(error_field(answer, 400, "bad_request"), "reason") << target;
    EXPECT_NE(answer.body.find("U+0000"), std::string::npos) << target << answer.body;
  }
}

TEST_F(DeedsTest, AReloadTakesNoWordsAndAnUnknownModelIsNamed) {
  HubProgram hub(server_.url());
  EXPECT_EQ(error_field(hub.post("/v1/models/reload", R"({"model": "pumps"})"), 400, "bad_request"),
            "model");
  EXPECT_EQ(error_field(hub.post("/v1/models/reload", "[]"), 400, "bad_request"), "");
  EXPECT_EQ(error_field(hub.post("/v1/models/reload", "no json"), 400, "bad_request"), "");
  EXPECT_EQ(hub.post("/v1/models/reload", "").status, 200u);
  EXPECT_EQ(hub.post("/v1/models/reload", "{}").status, 200u);
  EXPECT_EQ(error_field(hub.get("/v1/parked?model=nope"), 404, "not_found"), "model");
  EXPECT_EQ(hub.get("/v1/parked?model=pumps").status, 200u);
}

}  // namespace
}  // namespace sluice
