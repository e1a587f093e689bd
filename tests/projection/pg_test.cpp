// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "projection/database/pg_sql.hpp"
#include "projection/database/target.hpp"
#include "projection/pg/connection.hpp"
#include "projection/pg/error.hpp"
#include "tests/support/postgres_server.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::PostgresServer;
using ::testing::HasSubstr;

// One server for all: starting one takes a second.
PostgresServer& server() {
  static PostgresServer* shared = new PostgresServer();  // ended by Environment
  return *shared;
}
class Environment : public ::testing::Environment {
 public:
  void TearDown() override { server().stop(); }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new Environment);

Place place(const std::string& schema) {
  return Place::postgres(server().conninfo(), schema);
}

std::unique_ptr<Target> open(const std::string& schema, Access access = Access::kWrite) {
  auto target = Target::open(place(schema), access);
  EXPECT_TRUE(target) << core::to_string(target.error());
  return target ? std::move(*target) : nullptr;
}

#define ASSERT_OK(expression)                                                    \
  do {                                                                           \
    const auto& result_ = (expression);                                          \
    ASSERT_TRUE(result_) << core::to_string(result_.error()) << " " #expression; \
  } while (false)

TEST(PgSql, ParametersAreNumberedButNotInLiteralsNamesAndComments) {
  EXPECT_EQ(pg_sql::numbered("a = ?1 AND b = ?12"), "a = $1 AND b = $12");
  EXPECT_EQ(pg_sql::numbered("'?1' \"?1\" ?1"), "'?1' \"?1\" $1");
  EXPECT_EQ(pg_sql::numbered("'it''s ?1' ?2"), "'it''s ?1' $2");
  EXPECT_EQ(pg_sql::numbered(R"(E'\'?1' ?2 'x\' ?3)"), R"(E'\'?1' $2 'x\' $3)");
  EXPECT_EQ(pg_sql::numbered("-- ?1\n?2 /* ?3 /* ?4 */ ?5 */ ?6"),
            "-- ?1\n$2 /* ?3 /* ?4 */ ?5 */ $6");
  EXPECT_EQ(pg_sql::numbered("$$ ?1 $$ ?2 $t$ ?3 $$ $t$ ?4 a$b ?5"),
            "$$ ?1 $$ $2 $t$ ?3 $$ $t$ $4 a$b $5");
  EXPECT_EQ(pg_sql::numbered("data ? 'a' AND x ?| y"), "data ? 'a' AND x ?| y");
  EXPECT_EQ(pg_sql::numbered("'open ?1"), "'open ?1");
}

TEST(PgError, StatesAreToldInWordsAndClasses) {
  EXPECT_EQ(pg::class_of("53100"), Errc::kLimit);
  EXPECT_EQ(pg::class_of("55P03"), Errc::kBusy);
  EXPECT_EQ(pg::class_of("40P01"), Errc::kBusy);
  EXPECT_EQ(pg::class_of("57P01"), Errc::kUnavailable);
  EXPECT_EQ(pg::class_of("08006"), Errc::kUnavailable);
  EXPECT_EQ(pg::class_of(""), Errc::kUnavailable);
  EXPECT_EQ(pg::class_of("23505"), Errc::kBadRequest);
  EXPECT_EQ(pg::class_of("22003"), Errc::kBadRequest);
  EXPECT_EQ(pg::class_of("42501"), Errc::kConfig);
  EXPECT_EQ(pg::class_of("42P01"), Errc::kBadRequest);
  EXPECT_EQ(pg::class_of("XX000"), Errc::kIo);
  EXPECT_EQ(pg::make_error("53100", "could not extend file\n").message,
            "the read database's disk is full: PostgreSQL: could not extend file [SQLSTATE 53100]");
}

TEST(PgTarget, ValuesOfEveryTypeComeBackAsTheyWere) {
  const auto target = open("values");
  ASSERT_OK(
      target->exec("CREATE TABLE v (t text COLLATE \"C\", i bigint, r double precision,"
                   " b boolean, y bytea, n integer PRIMARY KEY)"));
  const auto insert = target->prepare("INSERT INTO v VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  ASSERT_OK(insert);
  const std::string bytes("\0\xff\x01", 3);
  (*insert)->bind(1, "grüße \U0001F600").bind(2, std::numeric_limits<std::int64_t>::min());
  (*insert)->bind(3, 5e-324).bind(4, std::int64_t{1}).bind_blob(5, bytes).bind(6, std::int64_t{1});
  const auto changed = (*insert)->run();
  ASSERT_OK(changed);
  EXPECT_EQ(*changed, 1U);
  (*insert)->bind_null(1).bind_null(2).bind_null(3).bind_null(4).bind_null(5);
  ASSERT_OK((*insert)->bind(6, std::int64_t{2}).run());
  const auto rows = target->prepare("SELECT t, i, r, b, y, n FROM v WHERE n >= ?1 ORDER BY n");
  ASSERT_OK(rows);
  Statement& row = **rows;
  row.bind(1, std::int64_t{1});
  ASSERT_TRUE(*row.step());
  EXPECT_EQ(row.text(0), "grüße \U0001F600");
  EXPECT_EQ(row.integer(1), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(row.value(2).real, 5e-324);
  EXPECT_EQ(row.integer(3), 1);
  EXPECT_EQ(row.value(4).kind, Value::Kind::kBytes);
  EXPECT_EQ(row.text(4), bytes);
  ASSERT_TRUE(*row.step());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(row.is_null(i)) << i;
  EXPECT_FALSE(*row.step());
  // Sums are numeric there, and dates come as text.
  const auto sums = target->prepare(
      "SELECT sum(i + 1), avg(r), sum(r), DATE '2026-11-21', '\\x00ff'::bytea FROM v");
  ASSERT_OK(sums);
  ASSERT_TRUE(*(*sums)->step());
  EXPECT_EQ((*sums)->integer(0), std::numeric_limits<std::int64_t>::min() + 1);
  EXPECT_EQ((*sums)->value(2).real, 5e-324);
  EXPECT_EQ((*sums)->text(3), "2026-11-21");
  EXPECT_EQ((*sums)->text(4), std::string("\0\xff", 2));
}

TEST(PgTarget, RowsAreLoadedStoredAndErasedInBulk) {
  const auto target = open("bulk");
  ASSERT_OK(
      target->exec("CREATE TABLE r (a text COLLATE \"C\", n bigint, v double precision,"
                   " b boolean, y bytea, PRIMARY KEY (a, n))"));
  const TableShape shape{"r",
                         {{"a", Type::kText},
                          {"n", Type::kInt},
                          {"v", Type::kReal},
                          {"b", Type::kBool},
                          {"y", Type::kBytes}},
                         2};
  const auto rows = target->rows(shape);
  ASSERT_OK(rows);
  std::vector<std::vector<Cell>> cells;
  for (std::int64_t i = 0; i < 25'000; ++i)
    cells.push_back({Cell("k" + std::to_string(i % 7)), Cell(i), i % 3 == 0 ? Cell() : Cell(0.5),
                     Cell(i % 2), Cell(Bytes{std::string(3, '\0')})});
  std::vector<const Cell*> all;
  for (auto& row : cells) all.push_back(row.data());
  ASSERT_OK(target->begin(Begin::kWrite));
  ASSERT_OK((*rows)->store(all));
  ASSERT_OK((*rows)->erase(std::span(all).subspan(0, 10)));
  ASSERT_OK(target->commit());
  std::vector<std::vector<Cell>> wanted;
  for (const std::int64_t i : {5, 11, 24'999, 25'000})
    wanted.push_back({Cell("k" + std::to_string(i % 7)), Cell(i), Cell(), Cell(), Cell()});
  std::vector<Cell*> keys;
  for (auto& row : wanted) keys.push_back(row.data());
  std::vector<bool> found;
  ASSERT_OK(target->begin(Begin::kSnapshot));
  ASSERT_OK((*rows)->load(keys, found));
  target->rollback();
  EXPECT_EQ(found, (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(wanted[1], cells[11]);
  EXPECT_EQ(wanted[2], cells[24'999]);
}

// 500 keys out of 40,000 rows: PostgreSQL would rather read all of them.
TEST(PgTarget, RowsAreFoundThroughTheIndexHoweverSmallTheTable) {
  server().query(
      "CREATE SCHEMA plans; SET search_path = plans; CREATE TABLE t (name text COLLATE \"C\", n"
      " bigint, v bigint, PRIMARY KEY (name, n)); INSERT INTO t SELECT 'g' || i % 100, i, i FROM"
      " generate_series(1, 40000) AS s(i); ANALYZE t");
  const TableShape shape{"t", {{"name", Type::kText}, {"n", Type::kInt}, {"v", Type::kInt}}, 2};
  std::string names;
  std::string numbers;
  for (int i = 1; i <= 40'000; i += 80) {
    names += (i == 1 ? "{g" : ",g") + std::to_string(i % 100);
    numbers += (i == 1 ? "{" : ",") + std::to_string(i);
  }
  for (const std::string& sql : {pg_sql::load(shape), pg_sql::erase(shape)}) {
    const std::string plan = server().query(
        "SET search_path = plans; SET plan_cache_mode = force_custom_plan; PREPARE p AS " + sql +
        "; EXPLAIN (ANALYZE) EXECUTE p('" + names + "}', '" + numbers + "}')");
    EXPECT_EQ(plan.find("Seq Scan"), std::string::npos) << plan;
    EXPECT_NE(plan.find("t_pkey"), std::string::npos) << plan;
  }
  EXPECT_EQ(server().query("SELECT count(*) FROM plans.t"), "39500");
}

TEST(PgTarget, WhatIsPostedFailsAtTheLatestAtTheCommitAndLeavesNothing) {
  const auto target = open("posted");
  ASSERT_OK(target->exec("CREATE TABLE p (n bigint PRIMARY KEY)"));
  const auto insert = target->prepare("INSERT INTO p VALUES (?1)");
  ASSERT_OK(insert);
  ASSERT_OK(target->begin(Begin::kWrite));
  for (const std::int64_t n : {1, 2, 1}) ASSERT_OK((*insert)->bind(1, n).post());
  const auto done = target->commit();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kBadRequest);
  target->rollback();
  EXPECT_EQ(*query_int(*target, "SELECT count(*) FROM p"), 0);
  ASSERT_OK(target->begin(Begin::kSynced));
  ASSERT_OK((*insert)->bind(1, std::int64_t{7}).post());
  ASSERT_OK(target->commit());
  EXPECT_EQ(*query_int(*target, "SELECT n FROM p"), 7);
}

TEST(PgTarget, ASavepointUndoesAFailedStatement) {
  const auto target = open("savepoint");
  ASSERT_OK(target->exec("CREATE TABLE p (n bigint PRIMARY KEY)"));
  const auto insert = target->prepare("INSERT INTO p VALUES (?1)");
  ASSERT_OK(target->begin(Begin::kWrite));
  ASSERT_OK((*insert)->bind(1, std::int64_t{1}).run());
  ASSERT_OK(target->exec("SAVEPOINT event"));
  EXPECT_FALSE((*insert)->bind(1, std::int64_t{1}).run());
  ASSERT_OK(target->exec("ROLLBACK TO event"));
  ASSERT_OK((*insert)->bind(1, std::int64_t{2}).run());
  ASSERT_OK(target->commit());
  EXPECT_EQ(*query_int(*target, "SELECT count(*) FROM p"), 2);
}

TEST(PgTarget, TheDeadlineEndsAStatement) {
  const auto target = open("deadline");
  target->set_deadline(steady_clock::now() + milliseconds(100));
  const auto slow = query_text(*target, "SELECT pg_sleep(20)::text");
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code, Errc::kLimit) << core::to_string(slow.error());
  target->set_deadline(std::nullopt);
  EXPECT_EQ(*query_int(*target, "SELECT 5"), 5);
}

TEST(PgTarget, AReaderCanWriteNothingAndMakesNoSchema) {
  EXPECT_EQ(Target::open(place("absent"), Access::kRead).error().code, Errc::kNotFound);
  ASSERT_TRUE(open("present"));
  const auto reader = open("present", Access::kRead);
  EXPECT_FALSE(reader->exec("CREATE TABLE t (n bigint)"));
}

TEST(PgTarget, OneClaimAtATime) {
  auto first = open("claimed");
  ASSERT_OK(first->claim());
  const auto second = open("claimed");
  ASSERT_OK(second->exec("SET lock_timeout = 200"));
  const auto claimed = second->claim();
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, Errc::kBusy);
  EXPECT_THAT(claimed.error().message, HasSubstr("another session writes schema claimed"));
  first.reset();
  ASSERT_OK(second->claim());
}

TEST(PgTarget, ALockedTableIsToldAsBusy) {
  const auto target = open("locked");
  ASSERT_OK(target->exec("CREATE TABLE p (n bigint PRIMARY KEY); SET lock_timeout = 200"));
  const auto other = open("locked");
  ASSERT_OK(other->begin(Begin::kWrite));
  ASSERT_OK(other->exec("LOCK TABLE p"));
  const auto refused = query_int(*target, "SELECT count(*) FROM p");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy) << core::to_string(refused.error());
  other->rollback();
  EXPECT_EQ(*query_int(*target, "SELECT count(*) FROM p"), 0);
}

TEST(PgTarget, NamedLocksExcludeUntilTheTransactionEnds) {
  const auto one = open("named");
  const auto two = open("named");
  ASSERT_OK(two->exec("SET lock_timeout = 200"));
  const std::vector<std::string> names = {"a", "b"};
  ASSERT_OK(one->begin(Begin::kWrite));
  ASSERT_OK(one->lock(names));
  ASSERT_OK(two->begin(Begin::kWrite));
  EXPECT_EQ(two->lock(std::span(names).subspan(1)).error().code, Errc::kBusy);
  two->rollback();
  ASSERT_OK(one->commit());
  ASSERT_OK(two->begin(Begin::kWrite));
  ASSERT_OK(two->lock(names));
  two->rollback();
}

TEST(PgTarget, AWrongLoginOrDatabaseIsAMistakeOfTheConfiguration) {
  const auto absent =
      Target::open(Place::postgres(server().conninfo("nowhere"), "x"), Access::kWrite);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::kConfig) << core::to_string(absent.error());
  const auto role = Target::open(Place::postgres(server().conninfo() + " user=nobody_there", "x"),
                                 Access::kWrite);
  EXPECT_EQ(role.error().code, Errc::kConfig) << core::to_string(role.error());
  const auto text = Target::open(Place::postgres("host=/tmp port", "x"), Access::kWrite);
  EXPECT_EQ(text.error().code, Errc::kConfig) << core::to_string(text.error());
  const auto nobody = Target::open(Place::postgres("host=/nowhere", "x"), Access::kWrite);
  EXPECT_EQ(nobody.error().code, Errc::kUnavailable) << core::to_string(nobody.error());
}

// The tests below end the server; each starts it again.

TEST(PgTargetLost, ConnectsAgainBetweenTransactionsAndKeepsItsStatements) {
  const auto target = open("lost");
  ASSERT_OK(target->exec("CREATE TABLE p (n bigint PRIMARY KEY)"));
  ASSERT_OK(target->claim());
  const std::uint64_t session = target->session();
  const auto insert = target->prepare("INSERT INTO p VALUES (?1)");
  ASSERT_OK(target->begin(Begin::kWrite));
  ASSERT_OK((*insert)->bind(1, std::int64_t{1}).run());
  server().kill();
  const auto lost = (*insert)->bind(1, std::int64_t{2}).run();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::kUnavailable) << core::to_string(lost.error());
  target->rollback();
  const auto down = target->begin(Begin::kWrite);
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, Errc::kUnavailable) << core::to_string(down.error());
  server().start();
  ASSERT_OK(target->begin(Begin::kWrite));
  EXPECT_NE(target->session(), session);
  ASSERT_OK((*insert)->bind(1, std::int64_t{3}).run());
  ASSERT_OK(target->commit());
  EXPECT_EQ(*query_int(*target, "SELECT count(*) FROM p"), 1);
}

TEST(PgTargetLost, AReaderDoesNotEvenNoticeARestart) {
  ASSERT_TRUE(open("restart"));
  const auto target = open("restart", Access::kRead);
  EXPECT_EQ(*query_int(*target, "SELECT 1"), 1);
  server().stop();
  server().start();
  EXPECT_EQ(*query_int(*target, "SELECT 2"), 2);
}

TEST(PgTargetLost, AServerThatDoesNotAnswerIsLeftAtTheDeadline) {
  const auto target = open("paused");
  server().pause();
  const auto begun = steady_clock::now();
  target->set_deadline(begun + milliseconds(300));
  const auto silent = query_int(*target, "SELECT 1");
  EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(4));
  server().resume();
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::kUnavailable) << core::to_string(silent.error());
  target->set_deadline(std::nullopt);
  EXPECT_EQ(*query_int(*target, "SELECT 2"), 2);
}

}  // namespace
}  // namespace sluice::projection
