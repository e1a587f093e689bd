// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "hub/verify/verify.hpp"
#include "hub/verify/verify_json.hpp"
#include "tests/hub/feed_source.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::hub {

inline constexpr const char* kChecked = R"(
model = "checked"
version = 1
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity", lane = "$lane" }
[table.machine.columns]
n = { type = "int", default = 0 }
last = "real"
low = "int"
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
set = { last = ".value" }
min = { low = ".k" }
[[table.machine.on]]
type = "Gone"
delete = true
)";

// The same, and a total of all gateways.
inline const std::string kWithTotal = std::string(kChecked) + R"(
[table.total]
key = { type = "$type" }
shared = true
[table.total.columns]
n = { type = "int", default = 0 }
[[table.total.on]]
type = "Reading"
inc = { n = 1 }
)";

// A model, what it has read, and the verification of the one with the other.
class VerifyTest : public test::EngineTest {
 protected:
  // `count` readings of machines m0 ... m9, k = value = seq.
  void fill(const test::LaneMaker& lane, std::size_t count, core::Seq from = 2) {
    if (from == 2) feed_.add(lane.opened(0, 0));
    for (core::Seq seq = from; seq < from + count; ++seq) add_reading(lane, seq);
  }
  void add_reading(const test::LaneMaker& lane, core::Seq seq) { feed_.add(reading(lane, seq)); }
  static test::Message reading(const test::LaneMaker& lane, core::Seq seq) {
    test::Made made = lane.base(seq);
    made.entity = "m" + std::to_string(seq % 10);
    made.json = "{\"k\": " + std::to_string(seq) + ", \"value\": " + std::to_string(seq) + ".5}";
    return test::message(made);
  }
  void apply() { feed_.run(*engine_, 20); }
  void tamper(const std::string& sql) {
    auto target = projection::Target::open(place_, projection::Access::kWrite);
    ASSERT_TRUE(target);
    ASSERT_TRUE((*target)->exec(sql)) << sql;
  }
  VerifyReport verified(std::uint64_t sample = 0, std::uint64_t seed = 0) {
    VerifyRequest request{model_, place_, dir_ / "scratch"};
    request.sample = sample;
    request.seed = seed;
    source_.add(feed_);
    auto report = verify(request, source_, clock_, log_);
    EXPECT_TRUE(report) << (report ? "" : core::to_string(report.error()));
    EXPECT_TRUE(std::filesystem::is_empty(dir_ / "scratch"));
    return report ? std::move(*report) : VerifyReport{};
  }

  test::FeedSource source_;
  test::LaneMaker two_{"plant-8", 7};
};

}  // namespace sluice::hub
