// SPDX-License-Identifier: Apache-2.0
// docs/bundle-format.md shows a whole bundle and a receipt: they are read with the code's own
// reader.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "core/codec/event_codec.hpp"
#include "sync/bundle_reader.hpp"
#include "sync/bundle_receipt.hpp"
#include "sync/bundle_writer.hpp"
#include "tests/core/bytes.hpp"
#include "tests/core/example_event.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::sync {
namespace {

std::string example(const std::string& name) {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/bundle-format.md");
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  const std::string fence = "```hex " + name + "\n";
  const auto start = text.find(fence);
  if (start == std::string::npos) return "no block named " + name;
  const auto end = text.find("```", start + fence.size());
  std::istringstream lines(text.substr(start + fence.size(), end - start - fence.size()));
  std::string digits;
  for (std::string line; std::getline(lines, line);) digits += line.substr(0, line.find("  "));
  return test::bytes(digits);
}

// The key of the examples: its seed is 32 times the byte 0x07.
core::SigningKey key() {
  return *core::SigningKey::parse(core::to_base64(std::string(32, '\x07')));
}

BundleHeader header() {
  BundleHeader out;
  out.gateway = "plant-7";
  out.shard = "main";
  out.lane = core::Lane::kAlarm;
  out.machine = "b8:27:eb:01:02:03";
  out.epochs = {test::example_event().epoch};
  out.from = 42;
  out.acked = 41;
  out.last = 42;
  out.made_ns = 1'763'700'000'000'000'000;
  out.program = "0.1.0";
  out.key = key().public_key();
  return out;
}

Receipt receipt() {
  const core::Epoch epoch = test::example_event().epoch;
  Receipt out;
  out.gateway = "plant-7";
  out.shard = "main";
  out.lane = core::Lane::kAlarm;
  out.from = out.to = 42;
  out.pieces = {{epoch, 42, 42}};
  out.anchor = {42,
                "EVENTS-main",
                "2026-11-21T03:00:00.1Z",
                epoch,
                42,
                9001,
                "ev.main.plant-7.alarm.pump.Overheated",
                "plant-7.0f3a5c7e91b2d4f6.alarm.42"};
  out.made_ns = 1'763'800'000'000'000'000;
  out.program = "0.1.0";
  return out;
}

// For whoever changes the format: SHOW_EXAMPLES=1 prints what belongs into the document.
TEST(BundleFormatDoc, ExamplesCanBeMadeAnew) {
  const test::TempDir folder;
  const auto signer = key();
  auto writer = BundleWriter::create(folder.path(), header(), signer, {});
  ASSERT_TRUE(writer);
  Item item;
  item.body = codec::encode_event(test::example_event());
  ASSERT_TRUE((*writer)->add(item));
  const auto done = (*writer)->finish();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->path.filename(), "plant-7-alarm-00000000000000000042-0f3a5c7e91b2d4f6.slb");
  if (std::getenv("SHOW_EXAMPLES") == nullptr) return;
  std::ifstream file(done->path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const auto& one : {bytes, encode_receipt(receipt(), key())}) {
    const std::string digits = test::hex(one);
    for (std::size_t at = 0; at < digits.size(); at += 80)
      std::cout << digits.substr(at, 80) << "\n";
    std::cout << "--\n";
  }
}

TEST(BundleFormatDoc, ShowsAWholeBundle) {
  const test::TempDir folder;
  const auto bundle = verify_bundle(folder.write("example.slb", example("bundle")));
  ASSERT_TRUE(bundle) << core::to_string(bundle.error());
  EXPECT_EQ(encode_header(bundle->header), encode_header(header()));
  std::vector<Item> items;
  ASSERT_TRUE(read_items(*bundle, 0, [&](Item item) -> core::Result<void> {
    items.push_back(std::move(item));
    return {};
  }));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].body, codec::encode_event(test::example_event()));
  EXPECT_EQ(items[0].subject, "ev.main.plant-7.alarm.pump.Overheated");
  EXPECT_EQ(items[0].identity, "plant-7.0f3a5c7e91b2d4f6.alarm.42");
}

TEST(BundleFormatDoc, ShowsAWholeReceipt) {
  const auto read = decode_receipt(example("receipt"));
  ASSERT_TRUE(read) << core::to_string(read.error());
  EXPECT_EQ(encode_receipt(*read, key()), encode_receipt(receipt(), key()));
  EXPECT_EQ(example("receipt"), encode_receipt(receipt(), key()));
}

TEST(BundleFormatDoc, AReceiptThatEndsEarlyOrHasAnotherByteIsRefused) {
  const std::string whole = encode_receipt(receipt(), key());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_receipt(whole.substr(0, size))) << size;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string other = whole;
    other[at] = static_cast<char>(other[at] ^ 0x20);
    EXPECT_FALSE(decode_receipt(other)) << at;
  }
}

}  // namespace
}  // namespace sluice::sync
