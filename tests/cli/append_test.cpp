// SPDX-License-Identifier: Apache-2.0
// append, import, read, tail and decode against a real sluiced.
#include <gmock/gmock.h>

#include <set>

#include "core/codec/event_codec.hpp"
#include "storage/log_reader.hpp"
#include "tests/cli/installation.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
namespace json = core::json;

class Append : public testing::Test {
 protected:
  void SetUp() override { gateway.start(); }
  static json::object only(const test::Finished& run) {
    const auto all = documents(run.out);
    EXPECT_EQ(all.size(), 1u) << run.output;
    return all.empty() ? json::object() : all.front();
  }
  static std::string lines(int count, const char* type = "T") {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += R"({"stream":"pump/)" + std::to_string(i % 7) + R"(","type":")" + type +
              R"(","data":{"n":)" + std::to_string(i) + "}}\n";
    return text;
  }
  // A gateway that was killed starts again at once: the wait of a crash loop is tested elsewhere.
  Gateway gateway{"[log]\nrestart_wait_max = \"0ms\"\n"};
};

TEST_F(Append, PrintsWhereTheEventLies) {
  const auto run = gateway.sluice({"append", "pump/7", "Started", R"({"bar": 4.2})"});
  ASSERT_EQ(run.code, 0) << run.output;
  const json::object at = only(run);
  EXPECT_EQ(at.at("gateway"), "cli-test");
  EXPECT_EQ(at.at("lane"), "telemetry");
  EXPECT_EQ(at.at("stream"), "pump/7");
  EXPECT_EQ(at.at("version"), 1);
  EXPECT_EQ(at.at("duplicate"), false);
  for (const char* field : {"epoch", "seq", "id"}) EXPECT_TRUE(at.contains(field)) << field;
  EXPECT_EQ(at.at("token").as_string(),
            "cli-test:" + std::string(at.at("epoch").as_string()) + ":telemetry:2");
}

TEST(AppendAck, AnAnswerFromMemorySaysSo) {
  Gateway gateway("[log.telemetry]\nack = \"memory\"\n");
  gateway.start();
  const auto run = gateway.sluice({"append", "pump/7", "Started", "{}"});
  ASSERT_EQ(run.code, 0) << run.output;
  const json::object at = documents(run.out).at(0);
  EXPECT_EQ(at.at("ack"), "memory");
  EXPECT_FALSE(at.contains("seq"));
  EXPECT_TRUE(at.contains("id"));
  EXPECT_EQ(
      gateway.sluice({"append", "--jsonl", "-"}, R"({"stream":"a/1","type":"T","data":1})").code,
      0);
}

TEST(AppendAck, ALaneThatWaitsForAnAbsentHubEndsAsUnreachable) {
  Gateway gateway("[log]\nhub_timeout = \"200ms\"\n[log.telemetry]\nack = \"hub\"\n");
  gateway.start();
  const auto run = gateway.sluice({"append", "pump/7", "Started", "{}"});
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, HasSubstr("stored, the hub has not confirmed it yet"));
}

TEST_F(Append, TheSameIdAppendsOnceAndOtherContentIsRefused) {
  const std::string id = "0190f3a2-6c1e-7b60-a3f0-5f0a6d1c2b3e";
  const json::object first = only(gateway.sluice({"append", "door/3", "Opened", "{}", "--id", id}));
  const json::object again = only(gateway.sluice({"append", "door/3", "Opened", "{}", "--id", id}));
  EXPECT_EQ(again.at("seq"), first.at("seq"));
  EXPECT_EQ(again.at("duplicate"), true);
  const auto other = gateway.sluice({"append", "door/3", "Closed", "{}", "--id", id});
  EXPECT_EQ(other.code, 4);
  EXPECT_EQ(only(other).at("error").at("code"), "id_conflict");
}

TEST_F(Append, AnUnmetExpectationEndsWithThreeAndTheRealVersion) {
  EXPECT_EQ(gateway.sluice({"append", "a/1", "T", "1", "--expect", "none"}).code, 0);
  EXPECT_EQ(gateway.sluice({"append", "a/1", "T", "2", "--expect", "1"}).code, 0);
  EXPECT_EQ(gateway.sluice({"append", "a/1", "T", "3", "--expect", "exists"}).code, 0);
  const auto run = gateway.sluice({"append", "a/1", "T", "4", "--expect", "2"});
  EXPECT_EQ(run.code, 3);
  EXPECT_EQ(only(run).at("error").at("current"), 3);
}

TEST_F(Append, MalformedInputEndsWithTwo) {
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T", "{not json"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "nocategory", "T", "1"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "sluice/x", "T", "1"}).code, 2);  // reserved
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T", "1", "--expect", "many"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T", "1", "--id", "7"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T", "1", "--occurred-at", "soon"}).code, 2);
  EXPECT_EQ(gateway.sluice({"append", "pump/7", "T", "1", "--jsonl", "-"}).code, 2);
  EXPECT_EQ(gateway.sluice({"apend"}).code, 2);
  EXPECT_EQ(gateway.sluice({}).code, 2);
}

TEST_F(Append, ATooLargeEventEndsWithFive) {
  const std::string big = "\"" + std::string(100 * 1024, 'x') + "\"";
  std::string data = "[" + big;
  for (int i = 0; i < 2; ++i) data += "," + big;
  const auto file = gateway.file("big", R"({"stream":"a/1","type":"T","data":)" + data + "]}\n");
  EXPECT_EQ(gateway.sluice({"append", "--jsonl", file}).code, 5);
}

TEST_F(Append, WithoutAGatewayItEndsWithSixAndSaysWhatToDo) {
  gateway.stop();
  const auto run = gateway.sluice({"append", "pump/7", "T", "1"});
  EXPECT_EQ(run.code, 6);
  EXPECT_THAT(run.output, HasSubstr("is sluiced running?"));
  EXPECT_EQ(gateway.sluice({"status"}).code, 6);
  EXPECT_EQ(gateway.sluice({"append", "--jsonl", "-"}, lines(1)).code, 6);
}

TEST_F(Append, EveryLineGetsAnAnswerAndBadOnesAreToldByNumber) {
  std::string text = lines(3);
  text += "this is no JSON\n\n";  // 4, and an empty line
  text += R"({"stream":"pump/1","type":"T","data":1,"expect":99})"
          "\n";  // 6
  text += lines(1);
  const auto run = gateway.sluice({"append", "--jsonl", "-"}, text);
  EXPECT_EQ(run.code, 3) << run.output;  // the worst: a version conflict is above bad usage
  std::set<std::int64_t> appended;
  std::set<std::int64_t> failed;
  json::object summary;
  for (const auto& one : documents(run.out)) {
    if (one.contains("summary"))
      summary = one.at("summary").get_object();
    else
      (one.contains("error") ? failed : appended).insert(one.at("line").get_int64());
  }
  EXPECT_THAT(appended, testing::ElementsAre(1, 2, 3, 7));
  EXPECT_THAT(failed, testing::ElementsAre(4, 6));
  EXPECT_EQ(summary.at("appended"), 4);
  EXPECT_EQ(summary.at("failed"), 2);
  EXPECT_THAT(run.output, HasSubstr("line 4:"));
}

// The story: sluiced is killed three times while 20,000 lines go in. No line may fail, none may be
// there twice, and the order within the lane is that of the file.
TEST_F(Append, AKilledGatewayLosesAndDoublesNoLine) {
  constexpr int kLines = 20'000;
  const auto file = gateway.file("many.jsonl", lines(kLines));
  test::Process feeder = gateway.launch({"append", "--jsonl", file, "--quiet"});
  for (int i = 1; i <= 3; ++i) {
    const auto enough = [&] {
      const auto status = gateway.sluice({"status"});
      if (status.code != 0) return false;
      const auto lanes = documents(status.out).at(0).at("lanes").get_object();
      return lanes.contains("telemetry") &&
             lanes.at("telemetry").at("last").to_number<int>() > i * 2'000;
    };
    ASSERT_TRUE(test::eventually(enough)) << feeder.output();
    gateway.kill();
    gateway.start();
  }
  ASSERT_EQ(feeder.wait(std::chrono::seconds(60)), 0) << feeder.output();
  const auto summary = documents(feeder.out()).back().at("summary");
  EXPECT_EQ(summary.at("appended"), kLines);
  EXPECT_EQ(summary.at("failed"), 0);
  gateway.stop();

  auto log = storage::LogReader::open(std::filesystem::path(gateway.state()) / "log");
  ASSERT_TRUE(log);
  int next = 0;
  for (core::Seq from = 1;;) {
    const auto records = (*log)->read_lane(core::Lane::kTelemetry, from);
    ASSERT_TRUE(records);
    if (records->empty()) break;
    for (const auto& record : *records) {
      const auto event = codec::decode_event(record.body);
      ASSERT_TRUE(event);
      from = record.seq + 1;
      if (event->is_reserved()) continue;
      const std::string expected = "pump/" + std::to_string(next % 7);
      ASSERT_EQ(event->stream().text(), expected) << "event " << next;
      ++next;
    }
  }
  EXPECT_EQ(next, kLines);
}

TEST_F(Append, AnImportKeepsEveryRowInOrderAndARepeatDoublesNothing) {
  std::string csv = "timestamp,value\n";
  for (int i = 0; i < 1000; ++i)  // every fourth row is the one before once more
    csv += "2013-12-02 21:15:00," + std::to_string(i - i % 4 / 3) + ".5\n";
  const auto file = gateway.file("readings.csv", csv);
  const std::vector<std::string> import = {"import",  file,     "--stream",  "machine/1", "--type",
                                           "Reading", "--time", "timestamp", "--quiet"};
  const auto first = gateway.sluice(import);
  ASSERT_EQ(first.code, 0) << first.output;
  EXPECT_EQ(only(first).at("summary").at("appended"), 1000);
  const auto again = gateway.sluice(import);
  ASSERT_EQ(again.code, 0) << again.output;
  EXPECT_EQ(only(again).at("summary").at("appended"), 0);
  EXPECT_EQ(only(again).at("summary").at("duplicates"), 1000);

  const auto events = documents(gateway.sluice({"read", "machine/1"}).out);
  ASSERT_EQ(events.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    EXPECT_EQ(event.at("version"), i + 1);
    EXPECT_EQ(event.at("data").at("value"), static_cast<double>(i - i % 4 / 3) + 0.5);
    EXPECT_EQ(event.at("occurred_at"), "2013-12-02T21:15:00Z");
  }
}

TEST_F(Append, AMalformedCsvFileIsRefusedAsAWhole) {
  const auto file =
      gateway.file("bad.csv", "timestamp,value\n2013-12-02 21:15:00,1\nyesterday,2\n");
  const auto run = gateway.sluice(
      {"import", file, "--stream", "machine/1", "--type", "Reading", "--time", "timestamp"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("line 3"));
  EXPECT_TRUE(gateway.sluice({"read", "machine/1"}).out.empty());
}

TEST_F(Append, ReadPagesAndAnswersTheSameFromADeadGatewaysFolder) {
  ASSERT_EQ(gateway.sluice({"append", "--jsonl", "-", "--quiet"}, lines(3000)).code, 0);
  const auto all = documents(gateway.sluice({"read", "pump/3"}).out);
  ASSERT_EQ(all.size(), 429u);  // more than one page
  const auto some =
      documents(gateway.sluice({"read", "pump/3", "--from", "400", "--limit", "5"}).out);
  ASSERT_EQ(some.size(), 5u);
  EXPECT_EQ(some[0], all[399]);
  EXPECT_EQ(some[4], all[403]);

  gateway.kill();
  const auto dead = documents(gateway.sluice({"read", "pump/3", "--state", gateway.state()}).out);
  EXPECT_EQ(dead, all);
  EXPECT_EQ(gateway.sluice({"read", "pump/3", "--state", "/nonexistent"}).code, 1);
}

TEST_F(Append, TailGivesTheNewestAndFollowsWhatComes) {
  ASSERT_EQ(gateway.sluice({"append", "--jsonl", "-", "--quiet"}, lines(50)).code, 0);
  const auto newest =
      documents(gateway.sluice({"tail", "--lane", "telemetry", "--limit", "4"}).out);
  ASSERT_EQ(newest.size(), 4u);
  EXPECT_EQ(newest[3].at("data").at("n"), 49);

  test::Process tail = gateway.launch({"tail", "--lane", "telemetry", "--limit", "2", "--follow"});
  ASSERT_TRUE(test::eventually([&] { return documents(tail.out()).size() == 2; }));
  ASSERT_EQ(gateway.sluice({"append", "pump/9", "Late", "1"}).code, 0);
  ASSERT_TRUE(test::eventually([&] { return documents(tail.out()).size() == 3; })) << tail.output();
  EXPECT_EQ(documents(tail.out())[2].at("type"), "Late");

  gateway.kill();
  const auto dead = documents(
      gateway.sluice({"tail", "--lane", "telemetry", "--limit", "1", "--state", gateway.state()})
          .out);
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].at("type"), "Late");
}

TEST_F(Append, DecodeTurnsABodyIntoTheJsonThatReadGives) {
  ASSERT_EQ(gateway.sluice({"append", "pump/7", "T", R"({"b":{"$bytes":"AAE="}})"}).code, 0);
  const auto read = gateway.sluice({"read", "pump/7"});
  gateway.stop();
  auto log = storage::LogReader::open(std::filesystem::path(gateway.state()) / "log");
  ASSERT_TRUE(log);
  const auto records = (*log)->read_stream(*core::StreamName::parse("pump/7"), 1, 1);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1u);
  const auto decoded = gateway.sluice({"decode"}, records->front().body);
  EXPECT_EQ(decoded.code, 0);
  EXPECT_EQ(decoded.out, read.out);
  EXPECT_NE(gateway.sluice({"decode"}, "rubbish").code, 0);
  EXPECT_EQ(gateway.sluice({"decode"}).code, 2);
}

TEST_F(Append, StatusTellsTheLanesOfALivingAndOfADeadGateway) {
  ASSERT_EQ(gateway.sluice({"append", "--jsonl", "-", "--quiet"}, lines(10)).code, 0);
  const auto alive = only(gateway.sluice({"status"}));
  EXPECT_EQ(alive.at("gateway"), "cli-test");
  const auto last = alive.at("lanes").at("telemetry").at("last");
  EXPECT_EQ(last, 11);  // ten, and EpochOpened
  gateway.kill();
  const auto dead = only(gateway.sluice({"status", "--state", gateway.state()}));
  EXPECT_EQ(dead.at("gateway"), "cli-test");
  EXPECT_EQ(dead.at("lanes").at("telemetry").at("last"), last);
  EXPECT_EQ(dead.at("machine"), alive.at("machine"));
  EXPECT_TRUE(dead.at("forks").get_array().empty());
}

TEST_F(Append, AWordThatIsNoVerbIsNamed) {
  const auto run = gateway.sluice({"nosuch", "--json"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.output, HasSubstr("there is no verb 'nosuch'"));
  EXPECT_EQ(gateway.sluice({}).code, 2);
}

TEST_F(Append, HelpIsAManualPageOfEveryVerb) {
  for (const char* verb : {"append", "import", "read", "tail", "decode", "query", "holds",
                           "provision", "status", "doctor", "audit"}) {
    const auto run = gateway.sluice({verb, "--help"});
    EXPECT_EQ(run.code, 0) << verb;
    for (const char* part : {"NAME", "SYNOPSIS", "DESCRIPTION", "COMMON OPTIONS", "EXIT CODES"})
      EXPECT_THAT(run.out, HasSubstr(part)) << verb;
  }
  EXPECT_EQ(gateway.sluice({"--help"}).code, 0);
  EXPECT_THAT(gateway.sluice({"--version"}).out, HasSubstr("sluice "));
}

}  // namespace
}  // namespace sluice::cli
