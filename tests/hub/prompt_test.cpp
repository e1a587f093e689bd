// SPDX-License-Identifier: Apache-2.0
// What an operator asks while a database hangs: answered at once, with how old it is.
#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using Clock = std::chrono::steady_clock;

const char* const kBeside = R"(
model = "beside"
version = 1
[table.counts]
key = { gateway = "$gateway" }
columns = { n = { type = "int", default = 0 } }
[[table.counts.on]]
type = "Measured"
inc = { n = 1 }
)";

core::json::object model_of(const core::json::object& answer, std::string_view name) {
  for (const auto& model : answer.at("models").as_array())
    if (model.as_object().at("model").as_string() == name) return model.as_object();
  return {};
}

TEST(Prompt, OperatorsAreAnsweredAtOnceWhileADatabaseHangs) {
  const test::NatsServer nats;
  test::PostgresServer server;
  test::TestPublisher publisher(nats.url());
  publisher.make_hub_stream("main");
  publisher.epoch_opened({}, 1);
  HubProgram::Options options;
  options.model = std::string("target = \"postgres\"\n") + test::kPumpsModel;
  options.beside = kBeside;
  options.more = "postgres = \"" + server.conninfo() + "\"\n";
  HubProgram hub(nats.url(), options);
  publisher.events({}, 2, 101);
  const auto applied = [&](const char* model) {
    const auto found = model_of(hub.json("/v1/models"), model);
    return found.empty() ? -1 : found.at("applied").to_number<std::int64_t>();
  };
  ASSERT_TRUE(eventually([&] { return applied("pumps") == 101 && applied("beside") == 101; }, 30s))
      << applied("pumps") << " " << applied("beside") << hub.log();
  EXPECT_EQ(model_of(hub.json("/v1/models"), "pumps").at("figures_s_ago").as_int64(), 0);

  server.pause();
  publisher.events({}, 102, 201);
  // What only the database knows is not waited for long, and the answer says what to do.
  for (const char* target : {"/v1/parked/pumps/plant-7.0000000000001111.telemetry.3",
                             "/v1/definitions/pumps/decisions"}) {
    const auto began = Clock::now();
    const auto answer = hub.get(target);
    EXPECT_EQ(answer.status, 503u) << target << answer.body;
    EXPECT_NE(answer.body.find("sluice model list"), std::string::npos) << answer.body;
    EXPECT_LT(Clock::now() - began, 4s) << target;
  }
  // What does wait for the database has threads of its own.
  std::vector<std::future<void>> rows;
  for (int i = 0; i < 8; ++i)
    rows.push_back(std::async(std::launch::async, [&] {
      try {
        (void)hub.get("/v1/models/pumps/events?deadline=5s");
      } catch (const std::exception&) {  // it is not what is asked here
      }
    }));
  EXPECT_TRUE(eventually([&] { return applied("beside") == 201; }, 3s)) << applied("beside");
  for (const char* target : {"/v1/models", "/v1/models/pumps", "/v1/holds", "/v1/parked",
                             "/v1/gateways", "/v1/gateways/plant-7", "/metrics"}) {
    const auto began = Clock::now();
    EXPECT_EQ(hub.get(target).status, 200u) << target;
    EXPECT_LT(Clock::now() - began, 1500ms) << target;
  }
  EXPECT_TRUE(eventually(
      [&] {
        const auto pumps = model_of(hub.json("/v1/models"), "pumps");
        return !pumps.empty() && pumps.at("figures_s_ago").as_int64() >= 2 &&
               pumps.at("applied").as_int64() == 101;
      },
      10s))
      << core::to_json(hub.json("/v1/models"));
  EXPECT_GE(hub.metric(R"(sluice_hub_figures_age_seconds{model="pumps"})"), 2);
  EXPECT_LT(hub.metric(R"(sluice_hub_figures_age_seconds{model="beside"})"), 1);
  server.resume();
  for (auto& one : rows) one.get();
  EXPECT_TRUE(eventually([&] { return applied("pumps") == 201; }, 60s))
      << applied("pumps") << hub.log();
  EXPECT_EQ(model_of(hub.json("/v1/models"), "pumps").at("figures_s_ago").as_int64(), 0);
}

}  // namespace
}  // namespace sluice
