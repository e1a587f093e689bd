// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/codec/event_codec.hpp"
#include "core/codec/messages.hpp"
#include "core/hash.hpp"
#include "core/subject.hpp"
#include "tests/core/bytes.hpp"
#include "tests/core/example_event.hpp"

// docs/event-format.md promises bytes: each of its worked examples is compared with what the code
// writes.
namespace sluice::codec {
namespace {

using test::hex;

const std::string& document() {
  static const std::string text = [] {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/event-format.md");
    std::stringstream all;
    all << file.rdbuf();
    return all.str();
  }();
  return text;
}

// The bytes of the fenced block "```hex <name>": of each line what stands before two spaces.
std::string example(const std::string& name) {
  const std::string fence = "```hex " + name + "\n";
  const auto start = document().find(fence);
  if (start == std::string::npos) return "no block named " + name;
  const auto end = document().find("```", start + fence.size());
  std::istringstream lines(document().substr(start + fence.size(), end - start - fence.size()));
  std::string digits;
  for (std::string line; std::getline(lines, line);) digits += line.substr(0, line.find("  "));
  return hex(test::bytes(digits));
}

core::ChainHash example_chain() {
  return core::chain_next(core::ChainHash{}, "abc");
}

TEST(EventFormatDoc, ShowsTheBytesOfAnEvent) {
  EXPECT_EQ(example("event"), hex(encode_event(test::example_event())));
}

TEST(EventFormatDoc, ShowsTheSubjectAndTheMessageId) {
  const auto event = test::example_event();
  const core::EventSubject subject{"main", "plant-7", event.lane, "pump", "Overheated"};
  const core::Identity identity{"plant-7", event.epoch, event.lane, event.seq, 0};
  EXPECT_NE(document().find("`" + subject.text() + "`"), std::string::npos) << subject.text();
  EXPECT_NE(document().find("`" + identity.text() + "`"), std::string::npos) << identity.text();
}

TEST(EventFormatDoc, ShowsTheBytesOfAnEpochOpened) {
  EXPECT_EQ(
      example("epoch-opened"),
      hex(encode_epoch_opened({core::Epoch{0x0f3a5c7e91b2d4f6}, 57, example_chain(), "start"})));
}

TEST(EventFormatDoc, ShowsTheBytesOfAGap) {
  EXPECT_EQ(example("gap"), hex(encode_gap({57, core::GapReason::kOversize, {}, {}})));
}

TEST(EventFormatDoc, ShowsTheBytesOfAReport) {
  Report report;
  report.gateway = "plant-7";
  report.machine = "b8:27:eb:01:02:03";
  report.epoch = core::Epoch{0x0f3a5c7e91b2d4f6};
  report.lanes = {{{42, 42}, {7, 7}, {100'000, 99'000}, {0, 0}}};
  report.disk_free_bytes = 12'000'000'000;
  report.disk_total_bytes = 31'000'000'000;
  report.wall_ns = 1'763'694'855'512'345'678;
  report.clock_trusted = true;
  report.started_ns_ago = 3'600'000'000'000;
  report.program_version = "0.1.0";
  EXPECT_EQ(example("report"), hex(encode_report(report)));
}

TEST(EventFormatDoc, ShowsTheBytesOfANeed) {
  EXPECT_EQ(example("need"),
            hex(encode_need({core::Epoch{0x0f3a5c7e91b2d4f6}, core::Lane::kTelemetry, 500, 523})));
}

TEST(EventFormatDoc, ShowsAChainHash) {
  const auto chain = example_chain();
  EXPECT_EQ(example("chain"), hex({reinterpret_cast<const char*>(chain.data()), chain.size()}));
}

TEST(EventFormatDoc, ListsEveryGapReason) {
  for (const auto reason :
       {core::GapReason::kQuota, core::GapReason::kTrimmed, core::GapReason::kDamaged,
        core::GapReason::kOversize, core::GapReason::kLost})
    EXPECT_NE(document().find("`" + std::string(core::gap_reason_word(reason)) + "`"),
              std::string::npos);
}

}  // namespace
}  // namespace sluice::codec
