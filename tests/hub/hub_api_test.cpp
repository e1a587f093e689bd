// SPDX-License-Identifier: Apache-2.0
// The HTTP side of sluice-hub, over the built program.
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "core/codec/event_codec.hpp"
#include "core/codec/field.hpp"
#include "core/codec/messages.hpp"
#include "core/subject.hpp"
#include "http/router.hpp"
#include "rpc/blocking_client.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::HubProgram;
using test::TestPublisher;

class HubApiTest : public testing::Test {
 protected:
  HubApiTest() { publisher_.make_hub_stream("main"); }
  void fill(core::Seq last) {
    publisher_.epoch_opened({}, 1);
    publisher_.events({}, 2, last);
  }
  // The `field` of a structured error with this status and code.
  static std::string error_field(const http::Response& answer, unsigned status,
                                 std::string_view code) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const auto parsed = core::parse_json(answer.body);
    if (!parsed || !parsed->is_object() || !parsed->as_object().contains("error"))
      return "not an error document: " + answer.body;
    const auto& error = parsed->as_object().at("error").as_object();
    EXPECT_EQ(error.at("code").as_string(), code) << answer.body;
    EXPECT_FALSE(error.at("message").as_string().empty());
    return error.contains("field") ? std::string(error.at("field").as_string()) : std::string();
  }

  test::NatsServer server_;
  TestPublisher publisher_{server_.url()};
};

TEST_F(HubApiTest, PagesGiveEveryRowOnce) {
  HubProgram hub(server_.url());
  fill(251);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 250; })) << hub.log();
  for (const std::string order : {"", "&order=-value", "&order=n,-seq"}) {
    std::set<std::int64_t> seqs;
    std::string page;
    std::size_t pages = 0;
    do {
      auto answer = hub.json("/v1/models/pumps/events?limit=40" + order +
                             (page.empty() ? "" : "&page=" + http::percent_encode(page)));
      const auto rows = answer.at("rows").as_array();
      for (const auto& row : rows)
        EXPECT_TRUE(seqs.insert(row.as_object().at("seq").as_int64()).second);
      page = answer.at("next").is_null() ? "" : std::string(answer.at("next").as_string());
      ++pages;
    } while (!page.empty() && pages < 20);
    EXPECT_EQ(seqs.size(), 250u) << order;
    EXPECT_EQ(pages, 7u) << order;
  }
}

TEST_F(HubApiTest, FiltersFieldsAndOrder) {
  HubProgram hub(server_.url());
  fill(101);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 100; })) << hub.log();
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?seq__gt=10&seq__le=20"), 10u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?where=seq%3D7"), 1u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?where=seq%3C%3D11&gateway=plant-7"), 10u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?value__null=true"), 0u);
  const auto rows =
      hub.json("/v1/models/pumps/events?fields=value&order=-value&limit=2").at("rows").as_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].as_object().size(), 1u);
  EXPECT_EQ(rows[0].as_object().at("value").as_int64(), 101);
  EXPECT_EQ(rows[1].as_object().at("value").as_int64(), 100);
}

std::string header_of(const http::Response& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers)
    if (key == name) return value;
  return {};
}

TEST_F(HubApiTest, FiltersByListsAndPartsOfTextAndCounts) {
  HubProgram hub(server_.url());
  fill(101);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 100; })) << hub.log();
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?seq__in=3,5,7,1000"), 3u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?gateway__prefix=plant&seq__le=9"), 8u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?gateway__contains=ant-&seq__le=9"), 8u);
  EXPECT_EQ(hub.row_count("/v1/models/pumps/events?gateway__contains=%25"), 0u);
  EXPECT_EQ(hub.json("/v1/models/pumps/events?limit=3&count=true&seq__le=50").at("count"), 49);
}

TEST_F(HubApiTest, AnAnswerSaysHowOldItIs) {
  HubProgram hub(server_.url());
  fill(101);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 100; })) << hub.log();
  const auto answer = hub.get("/v1/models/pumps/events?limit=1");
  EXPECT_EQ(header_of(answer, "Sluice-Model-Version"), "1");
  EXPECT_EQ(header_of(answer, "Sluice-State"), "running");
  EXPECT_EQ(header_of(answer, "Sluice-Position"), "main=101");
  EXPECT_EQ(header_of(answer, "Sluice-Lag-Events"), "0");
  EXPECT_EQ(header_of(answer, "Sluice-Lag-Seconds"), "0.000");
  EXPECT_TRUE(header_of(answer, "Sluice-As-Of").ends_with("Z"));
}

TEST_F(HubApiTest, AnUnchangedTableIsNotSentAgain) {
  HubProgram hub(server_.url());
  fill(11);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 10; })) << hub.log();
  const std::string rows = "/v1/models/pumps/events?limit=5";
  const auto first = hub.get(rows);
  const std::string tag = header_of(first, "ETag");
  ASSERT_TRUE(tag.size() > 4 && tag.front() == '"' && tag.back() == '"') << tag;
  const auto again = hub.get_with(rows, {{"If-None-Match", "\"other\", " + tag}});
  EXPECT_EQ(again.status, 304u);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(header_of(again, "ETag"), tag);
  publisher_.events({}, 12, 12);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 11; }));
  const auto changed = hub.get_with(rows, {{"If-None-Match", tag}});
  EXPECT_EQ(changed.status, 200u);
  EXPECT_NE(header_of(changed, "ETag"), tag);
}

TEST_F(HubApiTest, AnAnswerWaitsForWhatItsReaderWrote) {
  HubProgram hub(server_.url());
  fill(11);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 10; })) << hub.log();
  const auto token = [](int seq, const char* epoch = "0000000000001111") {
    return std::string("plant-7:") + epoch + ":telemetry:" + std::to_string(seq);
  };
  const std::string rows = "/v1/models/pumps/events?count=true&limit=1&after=";
  EXPECT_EQ(hub.json(rows + token(11)).at("count"), 10);
  EXPECT_EQ(header_of(hub.get(rows + token(11)), "Sluice-After"), "applied");
  // Not there yet: said at once without `wait`, and how far it is.
  const auto early = hub.get(rows + token(11) + "," + token(13));
  EXPECT_EQ(error_field(early, 504, "unavailable"), "after");
  EXPECT_NE(early.body.find("applied up to seq 11"), std::string::npos) << early.body;
  const auto parsed = core::parse_json(early.body);
  const auto& list = parsed->as_object().at("after").as_array();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].as_object().at("state").as_string(), "applied");
  EXPECT_EQ(list[1].as_object().at("state").as_string(), "not_yet");
  EXPECT_EQ(list[1].as_object().at("next"), 12);
  error_field(hub.get(rows + token(1, "0000000000007777")), 504, "unavailable");
  EXPECT_EQ(error_field(hub.get(rows + "nonsense"), 400, "bad_request"), "after");
  // Several wait at once, more than there are threads; all are answered by the commit.
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::future<http::Response>> waiting;
  for (int i = 0; i < 20; ++i)
    waiting.push_back(
        std::async(std::launch::async, [&] { return hub.get(rows + token(13) + "&wait=20s"); }));
  EXPECT_EQ(hub.json(rows + token(11)).at("count"), 10) << "others are answered meanwhile";
  publisher_.events({}, 12, 13);
  for (auto& each : waiting) {
    const auto answer = each.get();
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_NE(answer.body.find("\"count\":12"), std::string::npos) << answer.body;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s);
  // In vain: the time is kept.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(hub.get(rows + token(99) + "&wait=300ms").status, 504u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
  // A log that lost its tail never sends it: said at once.
  test::TestPublisher::Lane lane;
  lane.epoch = core::Epoch{0x2222};
  publisher_.epoch_opened(lane, 14, core::Epoch{0x1111});
  ASSERT_TRUE(
      eventually([&] { return hub.get(rows + token(14, "0000000000002222")).status == 200u; }));
  const auto lost = hub.get(rows + token(50) + "&wait=20s");
  EXPECT_EQ(lost.status, 409u) << lost.body;
  EXPECT_NE(lost.body.find("it will not come"), std::string::npos) << lost.body;
}

TEST_F(HubApiTest, AWaitingRequestIsAnsweredWhenTheHubEnds) {
  HubProgram hub(server_.url());
  fill(3);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 2; })) << hub.log();
  auto waiting = std::async(std::launch::async, [&] {
    return hub.get("/v1/models/pumps/events?wait=30s&after=plant-7:0000000000001111:telemetry:9");
  });
  EXPECT_EQ(waiting.wait_for(300ms), std::future_status::timeout);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(hub.terminate(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 8s);
  EXPECT_EQ(waiting.get().status, 503u);
}

TEST_F(HubApiTest, BadQueriesGetStructuredErrors) {
  HubProgram hub(server_.url());
  const std::string rows = "/v1/models/pumps/events";
  EXPECT_EQ(error_field(hub.get("/v1/models/none/events"), 404, "not_found"), "model");
  error_field(hub.get("/v1/models/pumps/none"), 404, "not_found");
  EXPECT_EQ(error_field(hub.get(rows + "?nothing=1"), 400, "bad_request"), "nothing");
  error_field(hub.get(rows + "?seq=seven"), 400, "bad_request");
  EXPECT_EQ(error_field(hub.get(rows + "?limit=0"), 400, "bad_request"), "limit");
  EXPECT_EQ(error_field(hub.get(rows + "?where=x"), 400, "bad_request"), "where");
  for (const std::string parameter : {"order", "fields"}) {
    const auto answer = hub.get(rows + "?" + parameter + "=none");
    EXPECT_EQ(error_field(answer, 400, "bad_request"), parameter);
    EXPECT_NE(answer.body.find("'none' is no column of events"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(error_field(hub.get(rows + "?page=garbage"), 400, "bad_request"), "page");
  error_field(hub.get(rows + "?gateway=a%27%20OR%201%3D1--&nothing%22%3B=1"), 400, "bad_request");
  error_field(hub.get("/v1/nothing"), 404, "not_found");
  EXPECT_EQ(hub.post("/v1/models", "{}").status, 405u);
}

TEST_F(HubApiTest, ThePageIsServedWithAStrictPolicy) {
  HubProgram hub(server_.url());
  for (const std::string path : {"/", "/app.js", "/style.css", "/icon.svg", "/lib/api.js",
                                 "/pages/fleet.js", "/chart.min.js"}) {
    const auto answer = hub.get(path);
    EXPECT_EQ(answer.status, 200u) << path;
    EXPECT_FALSE(answer.body.empty());
    std::string policy;
    for (const auto& [name, value] : answer.headers)
      if (name == "Content-Security-Policy") policy = value;
    EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"))
        << path << ": " << policy;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  }
  EXPECT_TRUE(hub.get("/").content_type.starts_with("text/html"));
}

TEST_F(HubApiTest, TheTrailOfAMessageThatIsNoEventSaysSo) {
  HubProgram hub(server_.url());
  publisher_.epoch_opened({}, 1);
  publisher_.publish("ev.main.plant-7.telemetry.pump.Measured", "\xc1 junk",
                     "plant-7.0000000000001111.telemetry.2");
  ASSERT_TRUE(eventually([&] { return hub.log().find("refused message 2") != std::string::npos; }))
      << hub.log();
  const auto way = hub.json("/v1/events/plant-7.0000000000001111.telemetry.2");
  EXPECT_TRUE(way.at("found").as_bool());
  EXPECT_FALSE(way.contains("event"));
  EXPECT_NE(way.at("words").as_string().find("cannot be read as an event"), std::string::npos);
  EXPECT_EQ(way.at("hub").as_object().at("sequence").as_int64(), 2);
  const auto& model = way.at("models").as_array().at(0).as_object();
  EXPECT_EQ(model.at("state").as_string(), "not read") << "the gateway is asked for it";
}

TEST_F(HubApiTest, ReportsShowEachGateway) {
  HubProgram hub(server_.url());
  publisher_.make_report_bucket();
  codec::Report report;
  report.gateway = "plant-7";
  report.machine = "board-1";
  report.epoch = core::Epoch{0x1111};
  report.lanes[index(core::Lane::kTelemetry)] = {120, 100};
  report.last_error = "<script>alert(1)</script>";
  const auto publish = [&](const std::string& subject) {
    ASSERT_TRUE(publisher_.connection().request(subject, codec::encode_report(report), 5s));
  };
  publish(core::report_subject("plant-7"));
  publish(core::report_subject("plant-8"));  // names another: not shown
  ASSERT_TRUE(eventually([&] {
    return !hub.json("/v1/gateways").at("gateways").as_array().empty();
  })) << hub.log();
  const auto gateways = hub.json("/v1/gateways").at("gateways").as_array();
  ASSERT_EQ(gateways.size(), 1u);
  const auto& gateway = gateways[0].as_object();
  EXPECT_EQ(gateway.at("gateway").as_string(), "plant-7");
  EXPECT_EQ(gateway.at("state").as_string(), "live");
  EXPECT_EQ(gateway.at("backlog").as_int64(), 20);
  EXPECT_EQ(gateway.at("lanes").as_object().at("telemetry").as_object().at("acked").as_int64(),
            100);
  EXPECT_EQ(hub.metric(R"(sluice_gateway_backlog_events{gateway="plant-7",lane="telemetry"})"), 20);
  const auto shown = [&](const char* key, const char* value) {
    return eventually([&] {
      const auto list = hub.json("/v1/gateways").at("gateways").as_array();
      return list.size() == 1 && list[0].as_object().at(key).as_string() == value;
    });
  };
  report.machine = "board-2";
  publish(core::report_subject("plant-7"));
  ASSERT_TRUE(shown("machine", "board-2")) << "the bucket keeps one report: each must be read";
  EXPECT_TRUE(shown("state", "live")) << "it may be a replaced board";
  report.machine = "board-1";
  publish(core::report_subject("plant-7"));
  EXPECT_TRUE(shown("state", "clone"));
}

TEST_F(HubApiTest, AFleetShowsWhereALogCameApart) {
  HubProgram hub(server_.url());
  publisher_.make_report_bucket();
  codec::Report report;
  report.gateway = "plant-7";
  report.machine = "board-1";
  report.epoch = core::Epoch{0x3333};
  ASSERT_TRUE(publisher_.connection().request(core::report_subject("plant-7"),
                                              codec::encode_report(report), 5s));
  fill(100);
  ASSERT_TRUE(eventually([&] { return hub.effects() == 99; })) << hub.log();
  const auto forks = [&] {
    const auto list = hub.json("/v1/gateways").at("gateways").as_array();
    return list.empty() ? core::json::array() : list[0].as_object().at("forks").as_array();
  };
  EXPECT_TRUE(forks().empty());
  // The next start found only 60 of these 100.
  test::TestPublisher::Lane lane;
  lane.epoch = core::Epoch{0x2222};
  publisher_.epoch_opened(lane, 61, core::Epoch{0x1111});
  ASSERT_TRUE(eventually([&] { return forks().size() == 1; })) << hub.log();
  auto fork = forks()[0].as_object();
  EXPECT_EQ(fork.at("kind").as_string(), "lost_tail");
  EXPECT_EQ(fork.at("events").as_int64(), 40);
  EXPECT_EQ(fork.at("previous").as_string(), core::Epoch{0x1111}.text().c_str());
  EXPECT_FALSE(fork.at("do").as_string().empty());
  // And then a backup of the state before came back.
  lane.epoch = core::Epoch{0x3333};
  publisher_.epoch_opened(lane, 81, core::Epoch{0x1111});
  ASSERT_TRUE(eventually([&] {
    const auto list = forks();
    return !list.empty() && list[0].as_object().at("kind").as_string() == "old_copy";
  })) << hub.log();
  EXPECT_GE(hub.metric(R"(sluice_gateway_forks{gateway="plant-7"})"), 1);
}

TEST_F(HubApiTest, ReportsOutliveTheHub) {
  publisher_.make_report_bucket();
  codec::Report report;
  report.gateway = "plant-7";
  report.epoch = core::Epoch{1};
  ASSERT_TRUE(publisher_.connection().request(core::report_subject("plant-7"),
                                              codec::encode_report(report), 5s));
  HubProgram hub(server_.url());
  EXPECT_TRUE(eventually([&] {
    return hub.json("/v1/gateways").at("gateways").as_array().size() == 1;
  })) << hub.log();
}

TEST_F(HubApiTest, AHoldIsSteppedOverWithAReason) {
  HubProgram hub(server_.url());
  fill(4);
  publisher_.events({}, 8, 10);
  publisher_.events({}, 13, 13);
  ASSERT_TRUE(eventually([&] { return hub.json("/v1/holds").at("holds").as_array().size() == 2; }))
      << hub.log();
  const std::string row = R"("gateway":"plant-7","epoch":"0000000000001111","lane":"telemetry")";
  const auto skip = [&](const std::string& more) {
    return hub.post("/v1/holds/skip", "{" + row + more + "}");
  };
  EXPECT_EQ(error_field(skip(R"(,"to":7)"), 400, "bad_request"), "reason");
  EXPECT_EQ(error_field(skip(R"(,"reason":"r")"), 400, "bad_request"), "to");
  EXPECT_EQ(error_field(skip(R"(,"to":6,"reason":"r")"), 400, "bad_request"), "to");
  EXPECT_EQ(error_field(skip(R"(,"from":6,"to":7,"reason":"r")"), 400, "bad_request"), "from");
  EXPECT_EQ(error_field(skip(R"(,"to":7,"reason":"r","nonsense":1)"), 400, "bad_request"),
            "nonsense");
  EXPECT_EQ(error_field(skip(R"(,"to":7,"reason":"r","model":"none")"), 404, "not_found"), "model");
  error_field(skip(R"(,"to":4,"reason":"r")"), 404, "not_found");
  error_field(hub.post("/v1/holds/skip", "not json"), 400, "bad_request");
  EXPECT_EQ(hub.effects(), 3);
  const auto done = skip(R"(,"from":5,"to":7,"reason":"the card was lost")");
  EXPECT_EQ(done.status, 200u) << done.body;
  EXPECT_TRUE(eventually([&] { return hub.effects() == 6; })) << hub.log();
  EXPECT_EQ(hub.json("/v1/holds").at("holds").as_array().size(), 1u);
  EXPECT_NE(hub.log().find("HoldSkipped"), std::string::npos);
  EXPECT_NE(hub.log().find("the card was lost"), std::string::npos);
  // What comes of the range now is late: kept aside and shown, never applied.
  publisher_.events({}, 6, 6);
  EXPECT_TRUE(eventually([&] { return hub.json("/v1/models/pumps").at("late") == 1; }))
      << hub.log();
  EXPECT_EQ(hub.effects(), 6);
}

TEST_F(HubApiTest, AStepOverAHoldIsAnEventOfTheGatewayBeside) {
  test::TempDir folder;
  std::filesystem::create_directories(folder / "run");
  const auto gateway_file = folder.write(
      "sluice.toml", "[gateway]\nid = \"centre\"\nstate = \"" + (folder / "state").string() +
                         "\"\nrun = \"" + (folder / "run").string() + "\"\n");
  const std::string socket = (folder / "run/ingest.sock").string();
  HubProgram::Options options;
  options.more = "name = \"north\"\ngateway_socket = \"" + socket + "\"";
  HubProgram hub(server_.url(), options);
  fill(4);
  publisher_.events({}, 8, 10);
  publisher_.events({}, 13, 13);
  ASSERT_TRUE(eventually([&] { return hub.json("/v1/holds").at("holds").as_array().size() == 2; }))
      << hub.log();
  const auto skip = [&](const std::string& to) {
    const auto answer =
        hub.post("/v1/holds/skip",
                 R"({"gateway":"plant-7","epoch":"0000000000001111","lane":"telemetry","to":)" +
                     to + R"(,"reason":"the card was lost"})");
    EXPECT_EQ(answer.status, 200u) << answer.body;
    return core::parse_json(answer.body)->as_object();
  };
  const auto alone = skip("7");
  EXPECT_FALSE(alone.at("event").as_bool()) << "no gateway runs yet: done, but only logged";
  EXPECT_FALSE(alone.at("event_error").as_string().empty());
  test::Process gateway({test::program("sluiced"), "--config", gateway_file.string()});
  ASSERT_TRUE(eventually([&] { return test::socket_answers(socket); })) << gateway.output();
  EXPECT_TRUE(skip("12").at("event").as_bool()) << hub.log();
  auto client = rpc::BlockingClient::connect(socket);
  ASSERT_TRUE(client);
  rpc::Packer params;
  params.array(1).map(1).text("stream").text("hub/north");
  const auto read = client->call("read", params.take());
  ASSERT_TRUE(read) << core::to_string(read.error());
  const auto events = rpc::Value::trusted(*read).find("events");
  ASSERT_EQ(events.size(), 1u);
  const auto event = codec::decode_event(*events.at(0).bytes());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, "HoldSkipped");
  EXPECT_EQ(codec::find_field(event->data, {"reason"}),
            codec::Scalar(std::string_view("the card was lost")));
}

TEST_F(HubApiTest, TokensGuardTheApiButNotThePage) {
  test::TempDir folder;
  const auto tokens = folder.write("tokens", "# one token\nsecret-token-0123456789\n");
  HubProgram::Options options;
  options.more = "token_file = \"" + tokens.string() + "\"";
  HubProgram hub(server_.url(), options);
  EXPECT_EQ(hub.get("/").status, 200u);
  EXPECT_EQ(hub.get("/healthz").status, 200u);
  error_field(hub.get("/v1/models"), 401, "unauthorized");
  error_field(hub.get("/metrics"), 401, "unauthorized");
  error_field(hub.post("/v1/holds/skip", "{}"), 401, "unauthorized");
  EXPECT_EQ(hub.get("/v1/models", "secret-token-0123456789").status, 200u);
  EXPECT_EQ(hub.get("/v1/models", "secret-token-012345678").status, 401u);
}

TEST_F(HubApiTest, ABadStartSaysWhyAndHow) {
  HubProgram hub(server_.url());
  const auto start = [&](const std::string& toml) {
    const auto file = hub.folder().write("other.toml", toml);
    return test::run({test::program("sluice-hub"), "--config", file.string()});
  };
  const std::string models = "models = [\"" + hub.folder().path().string() + "\"]\n";
  const std::string state = "state = \"" + (hub.folder() / "other").string() + "\"\n";
  auto ended = start("[hub]\n" + models + "state = \"" + (hub.folder() / "state").string() +
                     "\"\nlisten = \"127.0.0.1:0\"\n");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.output.find("another sluice-hub uses"), std::string::npos) << ended.output;
  ended = start("[hub]\n" + models + state + "listen = \"" + hub.address().substr(7) + "\"\n");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.output.find("in use"), std::string::npos) << ended.output;
  ended = start("[hub]\nmodel = [\"x\"]\n");
  EXPECT_EQ(ended.code, 78);
  EXPECT_NE(ended.output.find("other.toml:2: hub.model: unknown key"), std::string::npos)
      << ended.output;
  ended = start("[hub]\n" + models + state + "listen = \"0.0.0.0:0\"\n");
  EXPECT_EQ(ended.code, 78);
  ended = start("[hub]\n" + models + "state = \"/proc/nowhere\"\nlisten = \"127.0.0.1:0\"\n");
  EXPECT_EQ(ended.code, 78);
  hub.folder().write("bad.model.toml", "model = \"bad\"\n");
  ended = start("[hub]\n" + models + state);
  EXPECT_EQ(ended.code, 78);
  EXPECT_NE(ended.output.find("bad.model.toml"), std::string::npos) << ended.output;
  ended = test::run({test::program("sluice-hub"), "--config", "/nowhere.toml"});
  EXPECT_EQ(ended.code, 78);
  EXPECT_EQ(test::run({test::program("sluice-hub"), "--nonsense"}).code, 2);
  EXPECT_EQ(test::run({test::program("sluice-hub"), "--version"}).code, 0);
}

}  // namespace
}  // namespace sluice
