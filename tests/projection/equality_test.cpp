// SPDX-License-Identifier: Apache-2.0
// One value domain for both databases: whatever events come, SQLite and PostgreSQL give the same
// pages, to the bit, and park the same events. PostgreSQL is killed and cut off meanwhile.
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "core/random.hpp"
#include "projection/engine/engine.hpp"
#include "projection/query/query.hpp"
#include "tests/projection/equality_events.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::projection {
namespace {

// Exact: another type, another sign of zero or another last bit gives another text.
std::string text(const Cell& cell) {
  std::ostringstream out;
  if (const auto* v = std::get_if<std::int64_t>(&cell))
    out << "int " << *v;
  else if (const auto* d = std::get_if<double>(&cell))
    out << "real " << std::hexfloat << *d;
  else if (const auto* t = std::get_if<std::string>(&cell))
    out << "text " << *t;
  else if (const auto* b = std::get_if<Bytes>(&cell))
    out << "bytes " << b->value.size() << " " << b->value;
  else
    out << "null";
  return out.str();
}

using Lines = std::vector<std::string>;

Lines pages(Query& query, QueryRequest request) {
  Lines out;
  for (;;) {
    const auto page = query.run(request, std::chrono::seconds(20));
    if (!page) {
      out.push_back("error " + core::to_string(page.error()));
      return out;
    }
    for (const auto& row : page->rows) {
      std::string& line = out.emplace_back();
      for (const Cell& cell : row) line += text(cell) + " | ";
    }
    out.push_back("next " + page->next_cursor +
                  (page->count ? " of " + std::to_string(*page->count) : ""));
    if (page->next_cursor.empty()) return out;
    request.cursor = page->next_cursor;
  }
}

// One model in one database, read to the end from where it is.
class Side {
 public:
  Side(std::shared_ptr<const Model> model, Place place)
      : model_(std::move(model)), place_(std::move(place)) {
    settings_.held_items_max = 40;  // so that some must be read again
  }

  bool open() {
    engine_.reset();
    auto engine = Engine::open(model_, place_, clock_, log_, settings_);
    if (!engine) return false;
    engine_ = std::move(*engine);
    return true;
  }
  // One batch from where the database says that it is. False: it failed, and is to be tried again.
  bool step(const test::Feed& feed, std::size_t size, bool& done) {
    const auto applied = feed.step(*engine_, size);
    done = !applied;
    if (done) return true;
    if (!*applied) last_error_ = core::to_string(applied->error());
    return applied->has_value();
  }

  Lines everything(core::SeededRandom random) {
    Lines out;
    const auto query = Query::open(model_, place_);
    if (!query) return {"error " + core::to_string(query.error())};
    for (const QueryTable& table : (*query)->tables()) {
      out.push_back("table " + table.name);
      QueryRequest all;
      all.table = table.name;
      all.limit = 10'000;
      append(out, pages(**query, all));
      for (int i = 0; i < 12; ++i) append(out, pages(**query, random_request(table, random)));
    }
    const auto parked = engine_->parked(10'000);
    for (const ParkedEvent& event : *parked) {
      std::string& line = out.emplace_back("parked ");
      line += event.gateway + " " + event.epoch.text() + " " +
              std::to_string(static_cast<int>(event.lane)) + " " + std::to_string(event.seq) + " " +
              event.stream + " " + event.type + " " + event.kind + ": " + event.why + " " +
              event.body;
    }
    const auto totals = engine_->totals();
    out.push_back("applied " + std::to_string(totals->applied) + " parked " +
                  std::to_string(totals->parked) + " late " + std::to_string(totals->late) +
                  " old " + std::to_string(totals->old_epoch) + " refused " +
                  std::to_string(totals->refused) + " newest " +
                  std::to_string(totals->last_event_ns));
    const auto lanes = engine_->lanes(100);
    for (const LaneState& lane : *lanes)
      out.push_back(lane.gateway + " " + lane.epoch.text() + " " + std::to_string(lane.next) + " " +
                    std::to_string(lane.held) + " " + std::to_string(lane.absent) + " " +
                    std::to_string(lane.epochs));
    return out;
  }
  const std::string& last_error() const { return last_error_; }

 private:
  static void append(Lines& out, Lines more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  }

  static QueryRequest random_request(const QueryTable& table, core::Random& random) {
    using Op = QueryFilter::Op;
    QueryRequest out;
    out.table = table.name;
    out.limit = 1 + random.below(20);
    out.count = random.below(2) == 0;
    const auto column = [&] { return table.columns[random.below(table.columns.size())]; };
    if (random.below(2) == 0) {
      const QueryColumn of = column();
      constexpr Op kOps[] = {Op::kEq, Op::kNe, Op::kLt,     Op::kLe,
                             Op::kGt, Op::kGe, Op::kIsNull, Op::kNotNull};
      const char* value = "b";
      switch (of.type.value_or(Type::kText)) {
        case Type::kInt:
          value = "7";
          break;
        case Type::kReal:
          value = "1.5";
          break;
        case Type::kBool:
          value = "true";
          break;
        case Type::kTime:
          value = "1970-01-01T00:00:01Z";
          break;
        case Type::kBytes:
          value = "AA==";
          break;
        default:
          break;
      }
      out.filters.push_back({of.name, kOps[random.below(8)], value, {}});
    }
    for (std::uint64_t i = table.view ? 0 : random.below(3); i > 0; --i) {
      const std::string name = column().name;
      if (out.order.empty() || out.order[0].column != name)
        out.order.push_back({name, random.below(2) == 0});
    }
    return out;
  }

  std::shared_ptr<const Model> model_;
  Place place_;
  core::ManualClock clock_;
  core::NullLogger log_;
  EngineSettings settings_;
  std::unique_ptr<Engine> engine_;
  std::string last_error_;
};

// Something happens to the server, or to its connections.
void disturb(test::PostgresServer& server, core::Random& random) {
  switch (random.below(8)) {
    case 0:
      server.kill();
      server.start();
      break;
    case 1:
      server.stop();
      server.start();
      break;
    default:
      server.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
          " WHERE application_name LIKE 'sluice%'");
  }
}

TEST(Equality, BothDatabasesGiveTheSamePagesWhateverTheEventsAndTheCrashes) {
  auto model = Model::parse(kEqualModel, "equal.model.toml");
  ASSERT_TRUE(model) << model.error().message;
  test::PostgresServer server;
  const char* chosen = std::getenv("SLUICE_SEED");
  const std::uint64_t first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  const std::uint64_t last = chosen != nullptr ? first : 6;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
    core::SeededRandom random(seed);
    const test::Feed feed = equality_wire(random);
    test::TempDir dir;
    Side lite(*model, dir / "equal.db");
    ASSERT_TRUE(lite.open());
    for (bool done = false; !done;)
      ASSERT_TRUE(lite.step(feed, 1 + random.below(200), done)) << lite.last_error();

    Side pg(*model, Place::postgres(server.conninfo(), "equal__v" + std::to_string(seed)));
    ASSERT_TRUE(pg.open());
    int failures = 0;
    for (bool done = false; !done;) {
      if (random.below(6) == 0) disturb(server, random);
      if (random.below(8) == 0) {
        ASSERT_TRUE(test::eventually([&] { return pg.open(); }));
      }
      if (pg.step(feed, 1 + random.below(200), done))
        failures = 0;
      else
        ASSERT_LT(++failures, 20) << pg.last_error();
    }
    const core::SeededRandom requests(seed);
    const Lines expected = lite.everything(requests);
    const Lines found = pg.everything(requests);
    ASSERT_GT(expected.size(), 300U);
    for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i)
      ASSERT_EQ(expected[i], found[i]) << "line " << i;
    ASSERT_EQ(expected.size(), found.size());
  }
}

}  // namespace
}  // namespace sluice::projection
