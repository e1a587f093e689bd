// SPDX-License-Identifier: Apache-2.0
// The CLI's small parts: no process, no socket.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "cli/finding.hpp"
#include "cli/help.hpp"
#include "cli/identity_audit.hpp"
#include "cli/line_reader.hpp"
#include "cli/net_probe.hpp"
#include "cli/outgoing_event.hpp"
#include "cli/output.hpp"
#include "cli/shown_text.hpp"
#include "cli/status_view.hpp"
#include "cli/units.hpp"
#include "core/codec/json_data.hpp"
#include "rpc/value.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ShownText, WritesOutWhatSteersATerminalOrHides) {
  EXPECT_EQ(shown("plain, äöü 漢字 🙂 \"x\" \\"), "plain, äöü 漢字 🙂 \"x\" \\");
  EXPECT_EQ(shown("\x1b[2Jgone\r\n\tnext\x7f"),
            "<U+001B>[2Jgone<U+000D><U+000A><U+0009>next<U+007F>");
  EXPECT_EQ(shown(std::string_view("\0", 1)), "<U+0000>");
  EXPECT_EQ(shown("a\u202eb\u2066c\u061cd\u200fe\u2028f\u2029"),
            "a<U+202E>b<U+2066>c<U+061C>d<U+200F>e<U+2028>f<U+2029>");
  EXPECT_EQ(shown("\u009b31m"), "<U+009B>31m");               // CSI in one character
  EXPECT_EQ(shown("\ufeff\U000e0041"), "<U+FEFF><U+E0041>");  // no room, and a hidden letter
  EXPECT_EQ(shown("\x9b"
                  "31m\xc3"),
            "<0x9B>31m<0xC3>");  // no UTF-8
  EXPECT_EQ(shown("\xed\xa0\x80"), "<0xED><0xA0><0x80>");
}

TEST(ShownText, KeepsJsonTheSameDataWithoutControls) {
  const std::string line = shown_json("{\"a\":\"\u009b31m \x7f é \u202e\"}");
  EXPECT_EQ(line, "{\"a\":\"\\u009b31m \\u007f é \u202e\"}");
  EXPECT_EQ(core::parse_json(line)->at("a").as_string(), "\u009b31m \x7f é \u202e");
}

TEST(ShownText, NoCellOfATableBeginsALine) {
  Table table({"NAME", "N"});
  table.add({"a\nb\u202e", "1"});
  EXPECT_EQ(table.text(), "NAME                N\na<U+000A>b<U+202E>  1");
}

// What a terminal gets from `write`.
std::string on_a_terminal(const std::function<void(Output&)>& write) {
  const int screen = posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_TRUE(screen >= 0 && grantpt(screen) == 0 && unlockpt(screen) == 0);
  const int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY);
  const int saved = dup(STDOUT_FILENO);
  std::fflush(stdout);
  dup2(terminal, STDOUT_FILENO);
  {
    Output output;
    write(output);
    output.flush();
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
  char buffer[4096];
  const ssize_t got = read(screen, buffer, sizeof buffer);
  close(terminal);
  close(screen);
  std::string text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  std::erase(text, '\r');  // the terminal's own, before each line's end
  return text;
}

TEST(ShownText, AnEventOrAFindingIsOneHarmlessLineOfATerminal) {
  EXPECT_EQ(on_a_terminal([](Output& output) {
              EXPECT_FALSE(output.json());
              output.line("gw\x1b]0;x\x07\nsluice: all is well");
              output.lines("a\x1b\nb");
            }),
            "gw<U+001B>]0;x<U+0007><U+000A>sluice: all is well\na<U+001B>\nb\n");
  const std::string findings = on_a_terminal([](Output& output) {
    examine(output, core::SystemClock(),
            {{"gateways",
              [] { return std::vector{warn("evil reports: x\nmodels  ok", "look\u202ehere")}; }}});
  });
  EXPECT_THAT(findings, HasSubstr("evil reports: x<U+000A>models  ok\n"));
  EXPECT_THAT(findings, HasSubstr("-> look<U+202E>here\n"));
}

TEST(Units, ReadsSizesAndDurationsAndRefusesBareDurations) {
  EXPECT_EQ(*parse_bytes("10GiB", "x"), 10ull << 30);
  EXPECT_EQ(*parse_bytes("1048576", "x"), 1u << 20);
  EXPECT_FALSE(parse_bytes("10GB", "x"));
  EXPECT_FALSE(parse_bytes("99999999999GiB", "x"));
  EXPECT_EQ(parse_duration("90d", "x")->count(), 90ll * 86400 * 1'000'000'000);
  EXPECT_EQ(parse_duration("15min", "x")->count(), 15ll * 60 * 1'000'000'000);
  EXPECT_FALSE(parse_duration("15", "x"));
  EXPECT_FALSE(parse_duration("-1s", "x"));
  EXPECT_EQ(parse_duration("soon", "--max-age").error().field, "--max-age");
}

TEST(Units, NegativeAndHalfNumbersAreNoWholeNumbers) {
  for (const char* bad : {"-1", "", "1.5", "18446744073709551616", "x", " 1", "0"})
    EXPECT_NE(check_whole_number(bad, 1), "") << bad;
  EXPECT_EQ(check_whole_number("18446744073709551615", 1), "");
  EXPECT_EQ(check_whole_number("0", 0), "");
}

TEST(ExitCodes, TheWorstAnswerDecides) {
  EXPECT_EQ(worse(ExitCode::kOk, ExitCode::kUsage), ExitCode::kUsage);
  EXPECT_EQ(worse(ExitCode::kIdConflict, ExitCode::kVersionConflict), ExitCode::kIdConflict);
  EXPECT_EQ(worse(ExitCode::kLimit, ExitCode::kUnreachable), ExitCode::kUnreachable);
  EXPECT_EQ(exit_code(core::Errc::kTooLarge), ExitCode::kLimit);
  EXPECT_EQ(exit_code(core::Errc::kBadRequest), ExitCode::kUsage);
  EXPECT_EQ(exit_code(core::Errc::kCorrupt), ExitCode::kOther);
}

TEST(OutgoingEvent, KeepsEveryBitOfItsData) {
  const auto event =
      event_from_json(R"({"stream":"pump/7","type":"T",)"
                      R"("data":{"big":9007199254740993,"f":1.0,"b":{"$bytes":"AAE="}}})");
  ASSERT_TRUE(event) << event.error().message;
  std::string json;
  codec::data_to_json(event->data, json);
  EXPECT_EQ(json, R"({"big":9007199254740993,"f":1.0,"b":{"$bytes":"AAE="}})");
  const std::string encoded = event->append_params();
  const auto params = rpc::Value::parse(encoded);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->at(0).at(0).find("stream").text(), "pump/7");
  EXPECT_EQ(params->at(0).at(0).find("data").find("big").integer(), 9007199254740993);
  EXPECT_TRUE(params->at(0).at(0).find("expect").is_absent());
}

TEST(OutgoingEvent, TakesTimesVersionsAndIds) {
  const auto event = event_from_json(
      R"({"stream":"a/b","type":"T","data":null,"expect":3,"occurred_at":1386018900000000000,)"
      R"("id":"0190f3a2-6c1e-7b60-a3f0-5f0a6d1c2b3e"})");
  ASSERT_TRUE(event) << event.error().message;
  const auto params = event->append_params();
  const auto map = rpc::Value::trusted(params).at(0).at(0);
  EXPECT_EQ(map.find("expect").integer(), 3);
  EXPECT_EQ(map.find("occurred_at").integer(), 1386018900000000000);
  EXPECT_EQ(map.find("id").text(), "0190f3a2-6c1e-7b60-a3f0-5f0a6d1c2b3e");
}

TEST(OutgoingEvent, RefusesWhatIsNoEventAndNamesTheField) {
  const auto field = [](const char* line) {
    const auto event = event_from_json(line);
    return event ? "accepted" : event.error().field;
  };
  EXPECT_EQ(field(R"({"type":"T","data":1})"), "stream");
  EXPECT_EQ(field(R"({"stream":"a/b","data":1})"), "type");
  EXPECT_EQ(field(R"({"stream":"a/b","type":"T"})"), "data");
  EXPECT_EQ(field(R"({"stream":"a/b","type":"T","data":1,"tpye":2})"), "tpye");
  EXPECT_EQ(field(R"({"stream":"a/b","type":"T","data":1,"expect":"many"})"), "expect");
  EXPECT_EQ(field(R"({"stream":"a/b","type":"T","data":1,"id":"7"})"), "id");
  EXPECT_EQ(field(R"({"stream":7,"type":"T","data":1})"), "stream");
  EXPECT_FALSE(event_from_json("[1]"));
  EXPECT_FALSE(event_from_json("not json"));
}

TEST(LineReader, CutsLinesAndForgetsThoseThatAreTooLong) {
  const test::TempDir folder;
  const auto file = folder.write("lines", "one\r\n" + std::string(3u << 20, 'x') + "\n\nlast");
  auto reader = LineReader::open(file);
  ASSERT_TRUE(reader);
  std::vector<LineReader::Line> lines;
  while (!reader->ended()) {
    while (auto line = reader->next()) lines.push_back(*line);
    ASSERT_TRUE(reader->fill());
  }
  while (auto line = reader->next()) lines.push_back(*line);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, "one");
  EXPECT_TRUE(lines[1].too_long);
  EXPECT_EQ(lines[2].text, "");
  EXPECT_EQ(lines[3].text, "last");
  EXPECT_EQ(lines[3].number, 4u);
}

// --- audit
// -----------------------------------------------------------------------------------------

class Audit : public testing::Test {
 protected:
  void log(core::Seq seq, bool reserved = false) {
    core::EventView event;
    event.gateway = "g";
    event.epoch = core::Epoch{7};
    event.seq = seq;
    event.category = reserved ? "sluice" : "pump";
    event.id = id(seq);
    audit.in_log(event);
  }
  static core::Uuid id(core::Seq seq) { return core::Uuid{{static_cast<std::uint8_t>(seq)}}; }
  static std::string identity(core::Seq seq) {
    return core::Identity{"g", core::Epoch{7}, core::Lane::kTelemetry, seq, 0}.text();
  }
  IdentityAudit audit;
};

TEST_F(Audit, AgreesWhenEverythingIsEverywhereOnce) {
  log(1, true);
  log(2);
  log(3);
  audit.at_hub(identity(1), true);
  for (const core::Seq seq : {2, 3}) {
    audit.at_hub(identity(seq), false);
    audit.applied(id(seq).text(), 1);
  }
  const auto figures = audit.figures(true);
  EXPECT_TRUE(figures.agrees());
  EXPECT_EQ(figures.appended, 2u);
  EXPECT_EQ(figures.stored, 2u);
  EXPECT_EQ(figures.applied, 2u);
}

TEST_F(Audit, FindsALossAtTheHubAndInTheModel) {
  log(1);
  log(2);
  log(3);
  audit.at_hub(identity(1), false);
  audit.at_hub(identity(2), false);
  audit.applied(id(1).text(), 1);
  const auto figures = audit.figures(true);
  EXPECT_EQ(figures.missing, 2u);  // 3 is not at the hub, 2 has no effect
  EXPECT_EQ(figures.stored, 2u);
  EXPECT_EQ(figures.applied, 1u);
  EXPECT_FALSE(figures.agrees());
}

TEST_F(Audit, ALossOfSluicesOwnEventIsALoss) {
  log(1, true);
  EXPECT_EQ(audit.figures(false).missing, 1u);
}

// Sums would not see this: one is lost and another doubled.
TEST_F(Audit, ALossIsNotMadeGoodByADouble) {
  log(1);
  log(2);
  audit.at_hub(identity(1), false);
  audit.at_hub(identity(1), false);
  audit.applied(id(1).text(), 2);
  const auto figures = audit.figures(true);
  EXPECT_EQ(figures.missing, 1u);
  EXPECT_EQ(figures.duplicated, 2u);  // one copy at the hub, one effect
}

TEST_F(Audit, WhatTheLogDoesNotHaveIsForeign) {
  log(1);
  audit.at_hub(identity(1), false);
  audit.at_hub(identity(9), false);
  audit.applied(id(1).text(), 1);
  audit.applied(id(9).text(), 1);
  EXPECT_EQ(audit.figures(true).foreign, 2u);
}

// --- status
// ----------------------------------------------------------------------------------------

core::json::value status_document() {
  return *core::parse_json(R"({"gateway":"plant-7","epoch":"0f3a52c1d9e87b64","version":"0.1.0",
    "uptime_ns":3600000000000,"failure":"","state_folder":"/var/lib/sluice",
    "lanes":{"alarm":{"first":1,"last":5,"acked":5,"bytes":4096,"quota_bytes":268435456,
                      "oldest_unacked_wall_ns":0},
             "telemetry":{"first":1,"last":1000,"acked":400,"bytes":1000000,
                          "quota_bytes":4294967296,"oldest_unacked_wall_ns":1790000000000000000}},
    "counters":{"appended":1000},
    "link":{"state":"down","since_ns":1790000000000000000,"last_error":"connection refused",
            "next_try_ms":7000,"url":"nats://hub:4222","server":"","bytes_sent_today":2048,
            "bytes_received_today":1024,"hub_stream":"EVENTS-main","hub_created":"2026-11-01",
            "lanes":{"telemetry":{"acked":400,"sent":400,"rate":20.0}},"clone":""},
    "disk":{"free":1000000000,"total":8000000000},
    "clock":{"wall_ns":1790000600000000000,"trusted":true}})");
}
constexpr std::int64_t kNow = 1790000600000000000;  // ten minutes after the oldest event

TEST(Status, SaysWhatWaitsSinceWhenAndHowLongItTakes) {
  const auto view = view_of(status_document());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->backlog(), 600u);
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("link     down for 10 min 0 s"));
  EXPECT_THAT(text, HasSubstr("next try in 7 s"));
  EXPECT_THAT(text, HasSubstr("last error: connection refused"));
  EXPECT_THAT(text, HasSubstr("EVENTS-main"));
  EXPECT_THAT(text, HasSubstr("2.0 KiB sent"));
  EXPECT_THAT(text, HasSubstr("synchronised"));
  // 600 at 20 a second.
  EXPECT_THAT(text, testing::ContainsRegex("telemetry .* 1,000 .* 400 .* 600 .*10 min.*20.*30 s"));
}

core::json::value document_with(const char* key, const char* value) {
  core::json::value document = status_document();
  document.as_object()[key] = *core::parse_json(value);
  return document;
}

TEST(Status, SaysWhatAnEventCostsTheCardAndHowLongANewOneLasts) {
  // 36,000 events in an hour, 10 a second; 34.2 MB at the device.
  const auto view =
      view_of(document_with("wear", R"({"bytes":34200000,"source":"device","events":36000,
                  "endurance_bytes":3000000000000})"));
  ASSERT_TRUE(view);
  EXPECT_NEAR(*view->device_bytes_per_event(), 950, 0.1);
  EXPECT_NEAR(*view->card_days(), 3e12 / (34.2e6 * 24), 1);
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("card     950 B written per event (the device's count"));
  EXPECT_THAT(text, HasSubstr("at 10 events/s"));
  EXPECT_THAT(text, HasSubstr("a new card of 3 TB endurance lasts 3,654 days"));
}

TEST(Status, WantOfRoomIsToldAndIsCritical) {
  core::json::value document = document_with("refusing", R"("the disk is read-only")");
  document.at("disk").as_object()["level"] = "hard";
  document.at("counters").as_object()["early_segments"] = 3;
  document.at("counters").as_object()["dropped_events"] = 1200;
  document.as_object()["dedup_window_ms"] = 7200000;
  const auto view = view_of(document);
  ASSERT_TRUE(view);
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("NOTHING CAN BE STORED FOR NOW: the disk is read-only"));
  EXPECT_THAT(text, HasSubstr("BELOW disk_hard"));
  EXPECT_THAT(text, HasSubstr("ids are known for 2 h 0 min after the hub's ack"));
  EXPECT_THAT(text, HasSubstr("3 segments went before their time, with 1,200 events"));
  EXPECT_EQ(judge(*view, {}, kNow).code, 2);
}

TEST(Status, AnEstimateIsCalledOneAndACardOfUnknownEnduranceHasNoDays) {
  const auto view = view_of(document_with(
      "wear", R"({"bytes":34200000,"source":"estimate","events":36000,"endurance_bytes":0})"));
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->card_days());
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("(an estimate: the device does not count)"));
  EXPECT_THAT(text, testing::Not(HasSubstr("lasts")));
}

TEST(Status, AForkIsToldWithWhatToDoAndIsAWarningForAWeek) {
  const auto view = view_of(document_with(
      "forks", R"([{"kind":"old_copy","lane":"alarm","words":"an older copy was brought back",
                    "do":"export the other card","at_ns":1790000000000000000}])"));
  ASSERT_TRUE(view);
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("FORK     old copy, 10 min 0 s ago: an older copy was brought back"));
  EXPECT_THAT(text, HasSubstr("export the other card"));
  EXPECT_THAT(judge(*view, {}, kNow).line, HasSubstr("fork: an older copy was brought back"));
  const std::int64_t later = kNow + 8ll * 24 * 3600 * 1'000'000'000;
  EXPECT_THAT(judge(*view, {.critical_age_ns = later}, later).line,
              testing::Not(HasSubstr("fork")));
}

TEST(Status, ALaneThatAnswersOtherwiseIsNamed) {
  core::json::value document =
      document_with("acks", R"({"hub_waiting":3,"memory_taken":120,"memory_lost":2})");
  document.at("lanes").at("alarm").as_object()["ack"] = "hub";
  document.at("lanes").at("telemetry").as_object()["ack"] = "memory";
  const auto view = view_of(document);
  ASSERT_TRUE(view);
  const std::string text = status_text(*view, kNow);
  EXPECT_THAT(text, HasSubstr("answers  lane alarm when the hub has it; lane telemetry FROM "
                              "MEMORY; 3 wait for the hub"));
  EXPECT_THAT(text, HasSubstr("of 120 from memory 2 were refused afterwards"));
  EXPECT_THAT(judge(*view, {}, kNow).line, HasSubstr("2 events answered from memory"));
}

TEST(Status, DiskDaysFollowFromThePaceSinceTheStart) {
  const auto view = view_of(status_document());
  ASSERT_TRUE(view);
  // 24,000 events a day of 999 bytes each, from 1 GB.
  ASSERT_TRUE(view->disk_days_left());
  EXPECT_NEAR(*view->disk_days_left(), 41.7, 0.5);
}

TEST(Status, ChecksLikeAMonitoringPlugin) {
  auto view = view_of(status_document());
  ASSERT_TRUE(view);
  Verdict verdict = judge(*view, {}, kNow);
  EXPECT_EQ(verdict.code, 1);
  EXPECT_THAT(verdict.line, HasSubstr("SLUICE WARNING - plant-7: link down for 10 min"));
  EXPECT_THAT(verdict.line, HasSubstr("| backlog=600 oldest=600s"));

  Thresholds strict;
  strict.critical_age_ns = 300ll * 1'000'000'000;
  EXPECT_EQ(judge(*view, strict, kNow).code, 2);

  view->link.state = "up";
  EXPECT_EQ(judge(*view, {}, kNow).code, 0);
  view->failure = "folder gone";
  EXPECT_EQ(judge(*view, {}, kNow).code, 2);
}

TEST(Status, RefusesAnAnswerOfAnotherForm) {
  EXPECT_FALSE(view_of(*core::parse_json("[]")));
  EXPECT_FALSE(view_of(*core::parse_json("{}")));
}

// --- text
// ------------------------------------------------------------------------------------------

TEST(Text, TablesAlignNumbersToTheRight) {
  Table table({"name", "n"});
  table.add({"a", "1"});
  table.add({"bcdef", "1,234"});
  EXPECT_EQ(table.text(), "name   n\na          1\nbcdef  1,234");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(999), "999");
}

TEST(Text, WrapsParagraphsAndLeavesExamplesAlone) {
  const std::string text = wrapped(
      "one two three four five six seven eight nine ten eleven twelve "
      "thirteen fourteen\n\n $ a  command\n",
      4);
  EXPECT_THAT(text, HasSubstr("\n    $ a  command\n"));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 80u);
    at = end + 1;
  }
}

TEST(NetProbe, FindsHostAndPortInEveryFormOfUrl) {
  EXPECT_EQ(host_of_url("nats://u:p@hub.example:4333")->host, "hub.example");
  EXPECT_EQ(host_of_url("nats://u:p@hub.example:4333")->port, 4333);
  EXPECT_EQ(host_of_url("tls://hub")->port, 4222);
  EXPECT_EQ(host_of_url("tls://[::1]:4223")->host, "::1");
  EXPECT_EQ(host_of_url("tls://[::1]:4223")->port, 4223);
  EXPECT_EQ(host_of_url("[fe80::1]")->host, "fe80::1");
  EXPECT_FALSE(host_of_url("nats://:99999"));
  EXPECT_FALSE(host_of_url("nats://"));
}

}  // namespace
}  // namespace sluice::cli
