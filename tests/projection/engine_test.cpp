// SPDX-License-Identifier: Apache-2.0
#include "projection/engine.hpp"

#include <gtest/gtest.h>

#include "projection/query.hpp"
#include "tests/projection/events.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::projection {
namespace {

using test::Feed;
using test::LaneMaker;

const char* const kModel = R"(
model = "readings"
version = 1
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
n = { type = "int", default = 0 }
last = "real"
last_at = "time"
low = "real"
high = "real"
[[table.machine.on]]
type = "Reading"
inc = { n = 1 }
latest = { last = ".value", last_at = "$time" }
min = { low = ".value" }
max = { high = ".value" }
)";

class EngineTest : public testing::Test {
 protected:
  void open(const std::string& toml = kModel) {
    auto model = Model::parse(toml, "test.model.toml");
    ASSERT_TRUE(model) << model.error().message;
    model_ = *model;
    engine_.reset();
    auto engine = Engine::open(model_, file(), clock_, log_, settings_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  std::filesystem::path file() const { return dir_ / model_->database_name(); }

  // "a|b|c" per row.
  std::vector<std::string> rows(const std::string& table) {
    std::vector<std::string> out;
    auto query = Query::open(model_, file());
    EXPECT_TRUE(query) << query.error().message;
    if (!query) return out;
    auto page = (*query)->run({table, {}, {}, {}, 1000, ""}, std::chrono::seconds(5));
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return out;
    for (const auto& row : page->rows) {
      std::string& line = out.emplace_back();
      for (const Cell& cell : row) line += (&cell == row.data() ? "" : "|") + text(cell);
    }
    return out;
  }

  static std::string text(const Cell& cell) {
    if (const auto* v = std::get_if<std::int64_t>(&cell)) return std::to_string(*v);
    if (const auto* v = std::get_if<std::string>(&cell)) return *v;
    if (const auto* v = std::get_if<Bytes>(&cell)) return "bytes:" + v->value;
    if (const auto* v = std::get_if<double>(&cell)) {
      std::ostringstream out;
      out << *v;
      return out.str();
    }
    return "nil";
  }

  test::TempDir dir_;
  core::ManualClock clock_;
  core::NullLogger log_;
  EngineSettings settings_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Engine> engine_;
  Feed feed_;
  LaneMaker one_{"plant-7", 1};
};

TEST_F(EngineTest, AppliesEventsToATable) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2, "{\"value\": 2.5}"));
  feed_.add(one_.event(3, "{\"value\": 1.5}"));
  const auto outcome = feed_.run(*engine_);
  EXPECT_EQ(outcome.applied, 3u);
  EXPECT_EQ(rows("machine"),
            std::vector<std::string>{"plant-7|press|2|1.5|1790000000000000000|1.5|2.5"});
  const auto position = engine_->position("EVENTS-main");
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->sequence, 3u);
  EXPECT_EQ((*position)->next, 4u);
  EXPECT_EQ((*position)->msg_id, one_.event(3).msg_id);
}

}  // namespace
}  // namespace sluice::projection
