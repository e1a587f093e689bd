// SPDX-License-Identifier: Apache-2.0
// Appends and reads, over both protocols, on a real sluiced.
#include <set>
#include <thread>

#include "core/codec/event_codec.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;

constexpr const char* kId = "01890a5d-ac96-774b-bcce-b302099a8057";

using Append = SluicedTest;

TEST_F(Append, OverRpcIsAnsweredWithItsPositionAndIsReadBack) {
  start();
  auto client = rpc();
  const auto answer = client.call("append", one_event("pump/7", "Started", 5, kId));
  ASSERT_TRUE(answer) << answer.error().message;
  const rpc::Value event = rpc::Value::trusted(*answer).at(0);
  EXPECT_EQ(event.find("gateway").text(), "plant-7");
  EXPECT_EQ(event.find("epoch").text()->size(), 16u);
  EXPECT_EQ(event.find("lane").text(), "telemetry");
  EXPECT_EQ(event.find("seq").integer(), 2);  // 1 is EpochOpened
  EXPECT_EQ(event.find("stream").text(), "pump/7");
  EXPECT_EQ(event.find("version").integer(), 1);
  EXPECT_EQ(event.find("id").text(), kId);
  EXPECT_EQ(event.find("duplicate").boolean(), false);
  EXPECT_EQ(event.find("token").text(),
            "plant-7:" + std::string(*event.find("epoch").text()) + ":telemetry:2");

  const auto page = client.call("read", one_map({{"stream", packed("pump/7")}}));
  ASSERT_TRUE(page) << page.error().message;
  const rpc::Value read = rpc::Value::trusted(*page);
  ASSERT_EQ(read.find("events").size(), 1u);
  EXPECT_EQ(read.find("next").integer(), 2);
  const auto body = codec::decode_event(*read.find("events").at(0).bytes());
  ASSERT_TRUE(body);
  EXPECT_EQ(body->type, "Started");
  const auto lane =
      client.call("read", one_map({{"lane", packed("telemetry")}, {"limit", packed(1u)}}));
  ASSERT_TRUE(lane);
  EXPECT_EQ(rpc::Value::trusted(*lane).find("next").integer(), 2);
}

TEST_F(Append, ARetryIsADuplicateAndOtherContentAConflict) {
  start();
  auto client = rpc();
  ASSERT_TRUE(client.call("append", one_event("pump/7", "T", 5, kId)));
  const auto again = client.call("append", one_event("pump/7", "T", 5, kId));
  ASSERT_TRUE(again);
  EXPECT_EQ(rpc::Value::trusted(*again).at(0).find("duplicate").boolean(), true);
  EXPECT_EQ(rpc::Value::trusted(*again).at(0).find("version").integer(), 1);
  const auto other = client.call("append", one_event("pump/7", "T", 6, kId));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kIdConflict);
}

TEST_F(Append, PipelinedRequestsKeepTheirOrderThroughAFullQueue) {
  configure("in_flight_max = 100", "queue_events_max = 16\n");
  start();
  auto client = rpc();
  constexpr int kEvents = 2000;
  for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(client.send("append", one_event("pump/7", "T", i)));
  for (int i = 0; i < kEvents; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer && answer->body) << i;
    ASSERT_EQ(rpc::Value::trusted(*answer->body).at(0).find("version").integer(), i + 1);
  }
}

TEST_F(Append, ManyClientsAtOnceLeaveNoHoleAndNoDouble) {
  configure({}, "queue_events_max = 64\n");
  start();
  constexpr int kClients = 8;
  constexpr int kEvents = 300;
  std::array<std::set<std::int64_t>, kClients> seqs;
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; ++c)
    threads.emplace_back([&, c] {
      auto client = rpc();
      for (int i = 0; i < kEvents; ++i)
        client.send("append", one_event("pump/" + std::to_string(c), "T", i));
      for (int i = 0; i < kEvents; ++i) {
        const auto answer = client.receive();
        ASSERT_TRUE(answer && answer->body);
        seqs[static_cast<std::size_t>(c)].insert(
            *rpc::Value::trusted(*answer->body).at(0).find("seq").integer());
      }
    });
  for (auto& thread : threads) thread.join();
  std::set<std::int64_t> all;
  for (const auto& each : seqs) all.insert(each.begin(), each.end());
  EXPECT_EQ(all.size(), std::size_t{kClients * kEvents});
  EXPECT_EQ(*all.begin(), 2);
  EXPECT_EQ(*all.rbegin(), kClients * kEvents + 1);
}

TEST_F(Append, OverHttpTakesOneAnArrayAndLines) {
  start();
  auto client = http();
  const auto one = client.post("/v1/events", R"({"stream":"fire/1","type":"On","data":{"x":1.0}})");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->status, 200u) << one->body;
  EXPECT_EQ(core::parse_json(one->body)->at("lane").as_string(), "alarm");
  const auto array = client.post(
      "/v1/events",
      R"([{"stream":"a/1","type":"T","data":1},{"stream":"a/1","type":"T","data":2,"expect":9},)"
      R"({"stream":"a/1"},{"stream":"a/1","type":"T","data":3}])");
  ASSERT_TRUE(array);
  EXPECT_EQ(array->status, 207u);
  const auto list = *core::parse_json(array->body);
  EXPECT_EQ(list.at(0).at("version").as_int64(), 1);
  EXPECT_EQ(list.at(1).at("error").at("code").as_string(), "version_conflict");
  EXPECT_EQ(list.at(1).at("error").at("current").as_int64(), 1);
  EXPECT_EQ(list.at(2).at("error").at("field").as_string(), "type");
  EXPECT_EQ(list.at(3).at("version").as_int64(), 2);
  const auto lines = client.post("/v1/events",
                                 "{\"stream\":\"a/1\",\"type\":\"T\",\"data\":4}\n\nbroken\r\n"
                                 "{\"stream\":\"a/1\",\"type\":\"T\",\"data\":5}",
                                 "application/x-ndjson");
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->status, 207u);
  EXPECT_EQ(lines->content_type, "application/x-ndjson");
  EXPECT_EQ(std::count(lines->body.begin(), lines->body.end(), '\n'), 3);
  const auto all = client.get("/v1/streams/a/1?from=2&limit=2");
  ASSERT_TRUE(all);
  const auto page = *core::parse_json(all->body);
  EXPECT_EQ(page.at("events").as_array().size(), 2u);
  EXPECT_EQ(page.at("events").at(0).at("data").as_int64(), 3);
  EXPECT_EQ(page.at("next").as_int64(), 4);
}

TEST_F(Append, AtomicIsAllOrNothing) {
  start();
  auto client = http();
  const auto refused = client.post(
      "/v1/events?atomic=true",
      R"([{"stream":"a/1","type":"T","data":1},{"stream":"a/1","type":"T","data":2,"expect":9}])");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 409u) << refused->body;
  EXPECT_EQ(core::parse_json(client.get("/v1/streams/a/1")->body)->at("events").as_array().size(),
            0u);
  const auto taken = client.post(
      "/v1/events?atomic=true",
      R"([{"stream":"a/1","type":"T","data":1},{"stream":"a/1","type":"T","data":2,"expect":1}])");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->status, 200u) << taken->body;
  EXPECT_EQ(core::parse_json(taken->body)->as_array().size(), 2u);
}

TEST_F(Append, AnEntityMayHoldAnythingThatIsEscaped) {
  start();
  auto client = http();
  ASSERT_EQ(client.post("/v1/events", R"({"stream":"pump/a/b ü","type":"T","data":7})")->status,
            200u);
  const auto read = client.get("/v1/streams/pump/a%2Fb%20%C3%BC");
  ASSERT_TRUE(read);
  EXPECT_EQ(core::parse_json(read->body)->at("events").at(0).at("stream").as_string(),
            "pump/a/b ü");
}

TEST_F(Append, ManyLargeEventsOfOneRequestAllArrive) {
  configure({}, "queue_bytes_max = \"64KiB\"\n");
  start();
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += "{\"stream\":\"a/1\",\"type\":\"T\",\"data\":\"" + std::string(40'000, 'x') + "\"}\n";
  const auto answer = http().post("/v1/events", lines, "application/x-ndjson");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200u);
  // A page ends at about 1 MiB; the next one goes on where it ended.
  std::size_t events = 0;
  for (std::int64_t from = 1;;) {
    const auto page = http().get("/v1/streams/a/1?limit=256&from=" + std::to_string(from));
    ASSERT_TRUE(page && page->status == 200);
    const auto parsed = *core::parse_json(page->body);
    events += parsed.at("events").as_array().size();
    if (parsed.at("next").as_int64() == from) break;
    from = parsed.at("next").as_int64();
  }
  EXPECT_EQ(events, 60u);
}

TEST_F(Append, StatusAndMetricsCountIt) {
  start();
  ASSERT_TRUE(rpc().call("append", one_event("fire/1", "T", 1)));
  const auto answer = rpc().call("status", no_params());
  ASSERT_TRUE(answer);
  const rpc::Value map = rpc::Value::trusted(*answer);
  EXPECT_EQ(map.find("lanes").find("alarm").find("last").integer(), 2);
  EXPECT_EQ(map.find("lanes").find("alarm").find("backlog").integer(), 2);
  EXPECT_EQ(map.find("lanes").size(), 4u);
  EXPECT_EQ(map.find("counters").find("appended").integer(), 1);
  EXPECT_EQ(map.find("link").find("state").text(), "stopped");
  EXPECT_GT(*map.find("disk").find("total").integer(), 0);
  const auto metrics = http().get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_NE(metrics->body.find("\nsluice_events_appended_total 1\n"), std::string::npos);
  EXPECT_NE(metrics->body.find("\nsluice_lane_last_seq{lane=\"alarm\"} 2\n"), std::string::npos);
}

}  // namespace
}  // namespace sluice::gateway
