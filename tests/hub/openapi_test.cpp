// SPDX-License-Identifier: Apache-2.0
#include "hub/api/openapi.hpp"

#include <gtest/gtest.h>

#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;

TEST(OpenApi, TheDocumentIsJson) {
  const auto parsed = core::parse_json(hub::openapi_text());
  ASSERT_TRUE(parsed) << core::to_string(parsed.error());
  EXPECT_EQ(parsed->as_object().at("openapi").as_string(), "3.1.0");
}

// tests/hub/openapi_check.py asks for everything that the document promises.
TEST(OpenApi, TheProgramAnswersAsItsDocumentSaysAndHasNoOtherRoutes) {
  test::NatsServer server;
  test::TestPublisher publisher{server.url()};
  publisher.make_hub_stream("main");
  publisher.make_report_bucket();
  test::HubProgram::Options options;
  options.beside = R"(
model = "beside"
version = 1
[table.last]
key = { gateway = "$gateway" }
columns = { limit = "int", recent = { type = "list", of = "int", limit = 3 } }
[[table.last.on]]
type = "Measured"
latest = { limit = ".value" }
append = { recent = ".value" }
)";
  test::HubProgram hub(server.url(), options);
  codec::Report report;
  report.gateway = "plant-7";
  report.machine = "board-1";
  report.epoch = core::Epoch{0x1111};
  ASSERT_TRUE(publisher.connection().request(core::report_subject("plant-7"),
                                             codec::encode_report(report), 5s));
  publisher.epoch_opened({}, 1);
  publisher.events({}, 2, 11);
  publisher.events({}, 15, 16);  // behind a hole
  test::TestPublisher::Lane alarms;
  alarms.lane = core::Lane::kAlarm;
  publisher.epoch_opened(alarms, 1);
  publisher.event(alarms, 2, "Measured", R"({"k": 1, "value": "no number"})", "pump/9");
  ASSERT_TRUE(eventually([&] {
    return hub.effects() == 10 && hub.json("/v1/holds").at("holds").as_array().size() == 2 &&
           hub.row_count("/v1/models/beside/last") == 1 &&
           hub.json("/v1/parked?model=pumps").at("parked").as_array().size() == 1 &&
           hub.json("/v1/gateways").at("gateways").as_array().size() == 1;
  })) << hub.log();
  const auto checked =
      test::run({"python3", SLUICE_SOURCE_DIR "/tests/hub/openapi_check.py", hub.address()});
  EXPECT_EQ(checked.code, 0) << checked.output;
}

}  // namespace
}  // namespace sluice
