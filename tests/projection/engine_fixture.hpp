// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "projection/engine/engine.hpp"
#include "projection/query/query.hpp"
#include "tests/projection/events.hpp"
#include "tests/projection/scratch_place.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

inline constexpr const char* kReadings = R"(
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

// A real model in a real database (scratch_place.hpp).
class EngineTest : public testing::Test {
 protected:
  void open(const std::string& toml = kReadings) {
    auto model = projection::Model::parse(toml, "test.model.toml");
    ASSERT_TRUE(model) << model.error().message;
    model_ = *model;
    place_ = scratch_place(dir_.path(), *model_);
    reopen();
  }
  void reopen() {
    engine_.reset();
    auto engine = projection::Engine::open(model_, place_, clock_, log_, settings_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  std::filesystem::path file() const { return place_.file; }  // SQLite alone

  std::unique_ptr<projection::Query> query() const {
    auto query = projection::Query::open(model_, place_);
    EXPECT_TRUE(query) << (query ? "" : query.error().message);
    return query ? std::move(*query) : nullptr;
  }
  // "a|b|c" per row, in the order of the key.
  std::vector<std::string> rows(const std::string& table) const {
    const auto reader = query();
    return reader ? rows_of(*reader, {table, {}, {}, {}, 10'000, ""}) : std::vector<std::string>{};
  }
  static std::vector<std::string> rows_of(projection::Query& query,
                                          const projection::QueryRequest& request) {
    std::vector<std::string> out;
    auto page = query.run(request, std::chrono::seconds(20));
    EXPECT_TRUE(page) << (page ? "" : core::to_string(page.error()));
    if (!page) return out;
    for (const auto& row : page->rows) {
      std::string& line = out.emplace_back();
      for (const projection::Cell& cell : row)
        line += (&cell == row.data() ? "" : "|") + text(cell);
    }
    return out;
  }
  static std::string text(const projection::Cell& cell) {
    if (const auto* v = std::get_if<std::int64_t>(&cell)) return std::to_string(*v);
    if (const auto* v = std::get_if<std::string>(&cell)) return *v;
    if (const auto* v = std::get_if<projection::Bytes>(&cell)) return "bytes:" + v->value;
    if (const auto* v = std::get_if<double>(&cell)) {
      std::ostringstream out;
      out << *v;
      return out.str();
    }
    return "nil";
  }

  // The next event of the lane `one_`, with everything as told.
  void add(Made made) {
    made.gateway = "plant-7";
    made.epoch = core::Epoch{1};
    made.seq = next_++;
    feed_.add(message(made));
  }
  void add_json(const std::string& json, const std::string& type = "Reading") {
    Made made;
    made.json = json;
    made.type = type;
    add(made);
  }
  void start_lane() {
    feed_.add(one_.opened(0, 0));
    next_ = 2;
  }

  TempDir dir_;
  projection::Place place_{std::filesystem::path()};
  core::ManualClock clock_;
  core::NullLogger log_;
  projection::EngineSettings settings_;
  std::shared_ptr<const projection::Model> model_;
  std::unique_ptr<projection::Engine> engine_;
  Feed feed_;
  LaneMaker one_{"plant-7", 1};
  core::Seq next_ = 1;
};

}  // namespace sluice::test
