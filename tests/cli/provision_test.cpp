// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/provision.hpp"

#include <gmock/gmock.h>

#include "core/limits.hpp"
#include "sync/nats/hub_stream_query.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::nats {
namespace {

using testing::HasSubstr;
namespace json = core::json;
using State = ProvisionedStream::State;

HubStreamWish wish() {
  HubStreamWish wish;
  wish.max_bytes = 64u << 20;
  wish.max_age = std::chrono::hours(24);
  return wish;
}

std::unique_ptr<Connection> connect(const test::NatsServer& server) {
  ConnectionOptions options;
  options.login.urls = {server.url()};
  auto connection = Connection::connect(options);
  EXPECT_TRUE(connection) << core::to_string(connection.error());
  return std::move(*connection);
}

TEST(HubStreamPlan, NamesEveryFieldThatTheServerShouldHave) {
  const auto plan = plan_events(wish());
  ASSERT_TRUE(plan);
  const json::object request = plan->create_request();
  EXPECT_EQ(request.at("name"), "EVENTS-main");
  EXPECT_EQ(request.at("subjects"), (json::array{"ev.main.>"}));
  EXPECT_EQ(request.at("discard"), "new");
  EXPECT_EQ(request.at("allow_direct"), true);
  EXPECT_EQ(request.at("max_age"), std::int64_t{86'400'000'000'000});
  EXPECT_EQ(request.at("deny_delete"), false);
  EXPECT_EQ(request.at("deny_purge"), false);
}

TEST(HubStreamPlan, RefusesWhatCannotBe) {
  HubStreamWish bad = wish();
  bad.shard = "No Good";
  EXPECT_FALSE(plan_events(bad));
  bad = wish();
  bad.replicas = 6;
  EXPECT_FALSE(plan_events(bad));
  bad = wish();
  bad.max_bytes = 17;
  EXPECT_FALSE(plan_events(bad));
}

TEST(HubStreamPlan, AnUndecidedSettingIsNeitherMadeNorCompared) {
  HubStreamWish open = wish();
  open.max_bytes.reset();
  const auto plan = plan_events(open);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->undecided(), testing::ElementsAre("max_bytes"));
  json::object config = plan_events(wish())->create_request();
  config["max_bytes"] = 12345;
  EXPECT_TRUE(disagreements(*plan, config).empty());
}

TEST(HubStreamPlan, FindsSettingsThatWouldChangeOrHideEvents) {
  const auto plan = plan_events(wish());
  ASSERT_TRUE(plan);
  json::object config = plan->create_request();
  config["sources"] = json::array{json::object{{"name", "OTHER"}}};
  config["persist_mode"] = "async";
  config["discard"] = "old";
  const auto found = disagreements(*plan, config);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].name, "discard");
  EXPECT_EQ(found[0].wanted, "new");
  EXPECT_EQ(found[0].found, "old");
  EXPECT_EQ(found[1].name, "sources");
  EXPECT_EQ(found[2].name, "persist_mode");
}

TEST(Provision, MakesBothAndIsIdempotent) {
  test::NatsServer server;
  const auto connection = connect(server);
  const auto first = provision(*connection, {.wish = wish()});
  ASSERT_TRUE(first) << core::to_string(first.error());
  EXPECT_TRUE(first->agrees());
  ASSERT_EQ(first->streams.size(), 2u);
  EXPECT_EQ(first->streams[0].state, State::kCreated);
  EXPECT_EQ(first->streams[1].state, State::kCreated);
  EXPECT_EQ(first->streams[1].plan.stream, "KV_SLUICE-REPORTS");

  const auto second = provision(*connection, {.wish = wish()});
  ASSERT_TRUE(second) << core::to_string(second.error());
  EXPECT_TRUE(second->agrees());
  EXPECT_EQ(second->streams[0].state, State::kAgrees);
  EXPECT_EQ(second->streams[0].created, first->streams[0].created);
}

TEST(Provision, TheMadeStreamTakesEventsAndAnswersDirectGets) {
  test::NatsServer server;
  const auto connection = connect(server);
  ASSERT_TRUE(provision(*connection, {.wish = wish()}));
  const auto ack = connection->request("ev.main.plant-7.telemetry.pump.Started", "body",
                                       std::chrono::seconds(5), {{"Nats-Msg-Id", "x"}});
  ASSERT_TRUE(ack) << core::to_string(ack.error());
  EXPECT_THAT(std::string(ack->payload()), HasSubstr("\"stream\":\"EVENTS-main\""));
  const auto got =
      connection->request("$JS.API.DIRECT.GET.EVENTS-main.ev.main.plant-7.telemetry.pump.Started",
                          "", std::chrono::seconds(5));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->payload(), "body");
}

TEST(Provision, AStreamThatDisagreesIsLeftAloneAndTold) {
  test::NatsServer server;
  const auto connection = connect(server);
  json::object other = plan_events(wish())->create_request();
  other["discard"] = "old";
  other["max_bytes"] = 1 << 20;
  ASSERT_TRUE(api_request(*connection, "$JS.API.STREAM.CREATE.EVENTS-main", core::to_json(other),
                          std::chrono::seconds(5)));
  const auto run = provision(*connection, {.wish = wish()});
  ASSERT_TRUE(run) << core::to_string(run.error());
  EXPECT_FALSE(run->agrees());
  EXPECT_EQ(run->streams[0].state, State::kDisagrees);
  std::vector<std::string> names;
  for (const auto& one : run->streams[0].differences) names.push_back(one.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("discard", "max_bytes"));
  // Half a set-up would be harder to see through: the bucket was not made either.
  EXPECT_EQ(run->streams[1].state, State::kMissing);
}

TEST(Provision, CheckMakesNothing) {
  test::NatsServer server;
  const auto connection = connect(server);
  const auto run = provision(*connection, {.wish = wish(), .check_only = true});
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->agrees());
  EXPECT_EQ(run->streams[0].state, State::kMissing);
  EXPECT_FALSE(hub_stream_info(*connection, "EVENTS-main", std::chrono::seconds(5)));
}

TEST(Provision, WithoutAChoiceOfSizeAndAgeNothingIsMade) {
  test::NatsServer server;
  const auto connection = connect(server);
  const auto run = provision(*connection, {.wish = HubStreamWish{}});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, core::Errc::kBadRequest);
  EXPECT_THAT(run.error().message, HasSubstr("--max-bytes"));
  EXPECT_FALSE(hub_stream_info(*connection, "EVENTS-main", std::chrono::seconds(5)));
}

TEST(Provision, ImmutableDeniesPurgeAndDelete) {
  test::NatsServer server;
  const auto connection = connect(server);
  HubStreamWish immutable = wish();
  immutable.immutable = true;
  immutable.max_age = std::chrono::nanoseconds(0);
  const auto run = provision(*connection, {.wish = immutable});
  ASSERT_TRUE(run) << core::to_string(run.error());
  EXPECT_TRUE(run->agrees());
  EXPECT_FALSE(
      api_request(*connection, "$JS.API.STREAM.PURGE.EVENTS-main", "", std::chrono::seconds(5)));
  // Somebody who does not ask for it finds a stream that is stricter than needed: that agrees.
  HubStreamWish plain = immutable;
  plain.immutable = false;
  const auto again = provision(*connection, {.wish = plain});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->agrees());
}

TEST(Provision, AServerWithTooSmallAMaxPayloadIsRefused) {
  test::NatsServer server({.config = "max_payload: 131072\n"});
  const auto connection = connect(server);
  const auto run = provision(*connection, {.wish = wish()});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, core::Errc::kLimit);
  EXPECT_THAT(run.error().message, HasSubstr("max_payload"));
}

TEST(Provision, AnotherShardSharesTheBucket) {
  test::NatsServer server;
  const auto connection = connect(server);
  ASSERT_TRUE(provision(*connection, {.wish = wish()}));
  HubStreamWish north = wish();
  north.shard = "north";
  const auto run = provision(*connection, {.wish = north});
  ASSERT_TRUE(run) << core::to_string(run.error());
  EXPECT_EQ(run->streams[0].state, State::kCreated);
  EXPECT_EQ(run->streams[1].state, State::kAgrees);
}

}  // namespace
}  // namespace sluice::nats
