// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/changes.hpp"

#include <gtest/gtest.h>

#include "hub/api/row_match.hpp"
#include "hub/routes/task.hpp"

namespace sluice::hub {
namespace {

using projection::Cell;
using projection::QueryFilter;
using projection::Type;
using Op = QueryFilter::Op;

ChangeBatch batch(const std::string& table, std::int64_t key, std::size_t cells = 2) {
  ChangeBatch out;
  out.rows.push_back({table, false, std::vector<Cell>(cells, Cell(key))});
  return out;
}

TEST(Changes, AreReadInOrderFromWhereOneLeftOff) {
  Changes changes;
  const std::uint64_t from = changes.next();
  changes.committed(batch("a", 1));
  changes.committed(batch("b", 2));
  auto slice = changes.read(from, 1);
  ASSERT_EQ(slice.batches.size(), 1u);
  EXPECT_EQ(slice.batches[0]->rows[0].table, "a");
  slice = changes.read(slice.next, 10);
  ASSERT_EQ(slice.batches.size(), 1u);
  EXPECT_EQ(slice.batches[0]->rows[0].table, "b");
  EXPECT_TRUE(changes.read(slice.next, 10).batches.empty());
  EXPECT_FALSE(changes.read(slice.next, 10).lost);
}

TEST(Changes, WhoFallsBehindTheRingIsToldSo) {
  Changes changes;
  const std::uint64_t from = changes.next();
  for (std::int64_t i = 0; i < 8; ++i) changes.committed(batch("a", i, Changes::kCellsMax / 4));
  EXPECT_TRUE(changes.read(from, 10).lost);
  EXPECT_EQ(changes.read(from, 10).next, changes.next());
  EXPECT_TRUE(changes.read(changes.next() + 1, 10).lost) << "of another life";
  EXPECT_FALSE(changes.read(changes.next() - 1, 10).lost);
}

TEST(Changes, OfOthersAreToldByTheTable) {
  Changes changes;
  const std::uint64_t from = changes.next();
  changes.by_others({});
  EXPECT_EQ(changes.next(), from) << "nothing happened";
  changes.by_others({"a", "b"});
  const auto slice = changes.read(from, 10);
  ASSERT_EQ(slice.batches.size(), 1u);
  EXPECT_EQ(slice.batches[0]->touched, (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(changes.instance(), Changes().instance());
}

TEST(Changes, RingForEachCommitAsLongAsSomebodyListens) {
  Changes changes;
  int rings = 0;
  auto listening = changes.listen([&] { ++rings; });
  changes.committed({});
  EXPECT_EQ(rings, 1) << "the gate may have moved, though no row did";
  changes.end();
  EXPECT_EQ(rings, 2);
  listening.reset();
  changes.committed(batch("a", 1));
  EXPECT_EQ(rings, 2);
}

class Counting final : public Task {
 public:
  using Task::Task;
  int steps = 0;
  std::function<void()> in_step;

 private:
  void step() override {
    ++steps;
    if (in_step) std::exchange(in_step, {})();
  }
};

TEST(Task, AWakeDuringAStepLeadsToOneMoreAndSeveralToOne) {
  std::vector<std::function<void()>> queue;
  const auto task = std::make_shared<Counting>(
      Worker{[&](std::function<void()> work) { queue.push_back(std::move(work)); }, {}});
  const auto run = [&] {
    while (!queue.empty()) std::exchange(queue, {}).front()();
  };
  task->wake();
  task->wake();
  EXPECT_EQ(queue.size(), 1u);
  run();
  EXPECT_EQ(task->steps, 1);
  task->in_step = [&] { task->wake(); };
  task->wake();
  run();
  EXPECT_EQ(task->steps, 3);
}

RowMatch::Verdict verdict(const std::vector<QueryFilter>& filters, const std::vector<Cell>& cells) {
  const projection::QueryTable table{"t",
                                     false,
                                     {{"k", Type::kText, true},
                                      {"n", Type::kInt, false},
                                      {"s", Type::kText, false},
                                      {"r", Type::kReal, false}}};
  const auto match = RowMatch::make(table, filters);
  EXPECT_TRUE(match) << core::to_string(match.error());
  return match->verdict(cells);
}

TEST(RowMatch, HoldsConditionsAgainstRowsAsTheDatabaseDoes) {
  using V = RowMatch::Verdict;
  const std::vector<Cell> row{std::string("a"), std::int64_t{5}, std::string("text"), {}};
  const auto is_in = [&](const QueryFilter& filter) { return verdict({filter}, row) == V::kIn; };
  EXPECT_EQ(verdict({}, row), V::kIn);
  EXPECT_TRUE(is_in({"n", Op::kEq, "5"}));
  EXPECT_FALSE(is_in({"n", Op::kNe, "5"}));
  EXPECT_TRUE(is_in({"n", Op::kLt, "6"}));
  EXPECT_FALSE(is_in({"n", Op::kLt, "5"}));
  EXPECT_TRUE(is_in({"n", Op::kLe, "5"}));
  EXPECT_TRUE(is_in({"n", Op::kGe, "5"}));
  EXPECT_FALSE(is_in({"n", Op::kGt, "5"}));
  EXPECT_TRUE(is_in({"n", Op::kIn, "", {"1", "5"}}));
  EXPECT_TRUE(is_in({"s", Op::kPrefix, "te"}));
  EXPECT_TRUE(is_in({"s", Op::kContains, "ex"}));
  EXPECT_FALSE(is_in({"s", Op::kContains, "%"}));
  EXPECT_TRUE(is_in({"r", Op::kIsNull, ""}));
  EXPECT_FALSE(is_in({"r", Op::kNotNull, ""}));
  for (const Op op : {Op::kEq, Op::kNe, Op::kLt, Op::kGe}) EXPECT_FALSE(is_in({"r", op, "1.0"}));
  EXPECT_EQ(verdict({{"n", Op::kEq, "6"}}, row), V::kOut) << "it may have been in before";
  EXPECT_EQ(verdict({{"k", Op::kEq, "b"}}, row), V::kNever);
  EXPECT_EQ(verdict({{"n", Op::kEq, "5"}}, {std::string("a")}), V::kOut) << "gone: the key alone";
}

}  // namespace
}  // namespace sluice::hub
