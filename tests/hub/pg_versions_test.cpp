// SPDX-License-Identifier: Apache-2.0
// Where versions live in PostgreSQL: schemas, and views that are swapped in one transaction.
#include <gtest/gtest.h>

#include "hub/versions/version_store.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::hub {
namespace {

constexpr VersionId kOne{1, 1};
constexpr VersionId kTwo{2, 1};

class PgVersionsTest : public testing::Test {
 protected:
  // As an engine would: a table and a view of it, both with something of the engine's own.
  void make(const std::string& schema, const std::string& more) {
    server_.query("CREATE SCHEMA \"" + schema + "\"; SET search_path = \"" + schema +
                  "\"; CREATE TABLE machine (name text PRIMARY KEY, n bigint, _sluice_at_0 bigint" +
                  more + "); CREATE TABLE _sluice_meta (name text); INSERT INTO machine (name, n)" +
                  " VALUES ('m', 1); CREATE VIEW big AS SELECT name FROM machine WHERE n > 0");
  }
  std::string read(const std::string& what) { return server_.query(what); }

  test::PostgresServer server_;
  std::unique_ptr<VersionStore> store_ = postgres_versions(server_.conninfo(), "pumps");
};

TEST_F(PgVersionsTest, TheViewsAreThoseOfTheServingVersion) {
  auto book = store_->load(1);
  ASSERT_TRUE(book) << core::to_string(book.error());
  EXPECT_TRUE(book->versions.empty());
  make("pumps__v1", "");
  make("pumps__v2", ", \"new column\" text");
  book->serve(kOne, 10);
  book->set(kTwo, VersionState::kBuilding, 20, "why");
  const auto first = store_->serve(*book);
  ASSERT_TRUE(first) << core::to_string(first.error());
  EXPECT_EQ(read("SELECT * FROM pumps.machine"), "m|1");
  EXPECT_EQ(read("SELECT * FROM pumps.big"), "m");
  EXPECT_EQ(read("SELECT count(*) FROM pg_views WHERE schemaname = 'pumps'"), "2");
  book->serve(kTwo, 30);
  ASSERT_TRUE(store_->serve(*book));
  EXPECT_EQ(read("SELECT * FROM pumps.machine"), "m|1|");
  // Another program reads the same.
  const auto again = postgres_versions(server_.conninfo(), "pumps")->load(99);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *book);
  ASSERT_TRUE(store_->drop(kOne));
  EXPECT_EQ(read("SELECT count(*) FROM pg_namespace WHERE nspname = 'pumps__v1'"), "0");
  EXPECT_EQ(read("SELECT * FROM pumps.machine"), "m|1|");
}

TEST_F(PgVersionsTest, ASwitchThatFailsLeavesTheOldViews) {
  auto book = store_->load(1);
  ASSERT_TRUE(book);
  make("pumps__v1", "");
  make("pumps__v2", "");
  book->serve(kOne, 10);
  ASSERT_TRUE(store_->serve(*book));
  // Somebody's own view stands upon one of ours.
  read("CREATE VIEW public.report AS SELECT * FROM pumps.machine");
  book->serve(kTwo, 30);
  EXPECT_FALSE(store_->serve(*book));
  EXPECT_EQ(read("SELECT * FROM pumps.machine"), "m|1");
  const auto still = store_->load(99);
  ASSERT_TRUE(still) << core::to_string(still.error());
  ASSERT_NE(still->serving(), nullptr);
  EXPECT_EQ(still->serving()->id, kOne);
  read("DROP VIEW public.report");
  EXPECT_TRUE(store_->serve(*book));
}

TEST_F(PgVersionsTest, GenerationsHaveNamesOfTheirOwn) {
  EXPECT_EQ(store_->place({3, 1}).schema, "pumps__v3");
  EXPECT_EQ(store_->place({3, 2}).schema, "pumps__v3_2");
  auto book = store_->load(1);
  ASSERT_TRUE(book);
  make("pumps__v3_2", "");
  book->serve({3, 2}, 10);
  ASSERT_TRUE(store_->serve(*book));
  const auto again = store_->load(1);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *book);
}

}  // namespace
}  // namespace sluice::hub
