// SPDX-License-Identifier: Apache-2.0
// Which rows are looked for in the database, and which are known not to be there. In SQLite, where
// each look costs a statement.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "projection/engine/key_filter.hpp"
#include "projection/engine/rows.hpp"
#include "tests/projection/faulty_target.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::projection {
namespace {

class RowsTest : public testing::Test {
 protected:
  void SetUp() override {
    open();
    make("t");
    open_rows();
  }
  void open() {
    auto target = Target::open(dir_.path() / "rows.db", Access::kWrite);
    ASSERT_TRUE(target) << target.error().message;
    rows_.reset();
    target_ = test::faulty_target(std::move(*target), [this] {
      ++calls_;
      return test::Fault::kNone;
    });
  }
  void make(const std::string& table) {
    done(target_->exec("CREATE TABLE " + table +
                       " (k TEXT PRIMARY KEY, v INTEGER) STRICT, WITHOUT ROWID"));
  }
  void open_rows() {
    auto rows = Rows::open(*target_, {{"t", {{"k", Type::kText}, {"v", Type::kInt}}, 1}});
    ASSERT_TRUE(rows) << rows.error().message;
    rows_ = std::move(*rows);
  }
  static void done(const core::Result<void>& result) {
    ASSERT_TRUE(result) << result.error().message;
  }
  Row* find(const std::string& key) {
    const Value value = Value::of(std::string_view(key));
    const auto row = rows_->find(0, {&value, 1});
    EXPECT_TRUE(row) << (row ? "" : row.error().message);
    return row ? *row : nullptr;
  }
  void put(const std::string& key, std::int64_t value) {
    Row& row = *find(key);
    rows_->begin_event();
    rows_->set_exists(row, true);
    rows_->set(row, 1, Value::of(value));
  }
  // The value of a row; -1: there is none.
  std::int64_t get(const std::string& key) {
    const Row& row = *find(key);
    return row.exists ? view_of(row.cells[1]).integer : -1;
  }
  void write() { done(rows_->flush()); }
  // So that nothing but the database knows the rows.
  void evict() {
    rows_->next_batch();
    rows_->trim(0);
  }
  int calls_during(const auto& work) {
    const int before = calls_;
    work();
    return calls_ - before;
  }

  test::TempDir dir_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Rows> rows_;
  int calls_ = 0;
};

TEST_F(RowsTest, AKeyThatIsNewToATableThatWasEmptyIsNotLookedFor) {
  put("first", 1);
  EXPECT_EQ(calls_during([&] { put("second", 2); }), 0);
  write();
  evict();
  EXPECT_EQ(calls_during([&] { EXPECT_EQ(get("third"), -1); }), 0);
  EXPECT_EQ(calls_during([&] { EXPECT_EQ(get("second"), 2); }), 1);
}

TEST_F(RowsTest, EveryRowThatLeftMemoryIsFoundAgain) {
  constexpr int kAll = 20'000;
  const Transaction transaction = std::move(*Transaction::begin(*target_, Begin::kWrite));
  for (int i = 0; i < kAll; ++i) {
    put("k" + std::to_string(i), i);
    if (i % 500 != 499) continue;
    write();
    evict();
  }
  for (int i = 0; i < kAll; ++i) ASSERT_EQ(get("k" + std::to_string(i)), i);
}

TEST_F(RowsTest, ARowThatWasDeletedAndMadeAgainIsFound) {
  put("a", 1);
  write();
  rows_->set_exists(*find("a"), false);
  write();
  evict();
  EXPECT_EQ(get("a"), -1);
  put("a", 2);
  write();
  evict();
  EXPECT_EQ(get("a"), 2);
}

TEST_F(RowsTest, ATableThatHadRowsIsLookedInto) {
  put("a", 1);
  write();
  open();
  open_rows();
  EXPECT_EQ(get("a"), 1);
  EXPECT_EQ(calls_during([&] { EXPECT_EQ(get("b"), -1); }), 1);
}

TEST_F(RowsTest, WhatOthersWroteIsFoundOnceTheTableIsForgotten) {
  put("a", 1);
  write();
  done(target_->exec("INSERT INTO t VALUES ('b', 2)"));
  rows_->forget(0);
  EXPECT_EQ(get("b"), 2);
}

TEST_F(RowsTest, RowsThatARollbackBroughtBackAreFound) {
  put("a", 1);
  write();
  rows_->forget();
  {
    const Transaction transaction = std::move(*Transaction::begin(*target_, Begin::kWrite));
    done(target_->exec("DELETE FROM t"));
    EXPECT_EQ(get("b"), -1);  // of a table that is empty, for now
  }
  rows_->forget();
  EXPECT_EQ(get("a"), 1);
}

TEST(KeyFilter, DeniesNoKeyThatWasAdded) {
  KeyFilter filter;
  for (std::size_t i = 0; i < 300'000; ++i) {
    filter.add(i * 0x9e3779b97f4a7c15u);
    ASSERT_TRUE(filter.may_hold(i * 0x9e3779b97f4a7c15u));
  }
  for (std::size_t i = 0; i < 300'000; ++i)
    ASSERT_TRUE(filter.may_hold(i * 0x9e3779b97f4a7c15u)) << i;
  EXPECT_FALSE(filter.has_given_up());
}

TEST(KeyFilter, DeniesMostKeysThatWereNot) {
  KeyFilter filter;
  EXPECT_FALSE(filter.may_hold(0));
  for (std::size_t i = 0; i < 300'000; ++i) filter.add(i * 0x9e3779b97f4a7c15u);
  std::size_t wrong = 0;
  for (std::size_t i = 300'000; i < 400'000; ++i)
    wrong += filter.may_hold(i * 0x9e3779b97f4a7c15u) ? 1 : 0;
  EXPECT_LT(wrong, 2000u);
}

TEST(KeyFilter, DeniesNoneOnceItIsTooSmall) {
  KeyFilter filter;
  for (std::size_t i = 0; i < KeyFilter::kKeysMax * 11 / 10; ++i)
    filter.add(i * 0x9e3779b97f4a7c15u);
  EXPECT_TRUE(filter.has_given_up());
  EXPECT_TRUE(filter.may_hold(1));
}

}  // namespace
}  // namespace sluice::projection
