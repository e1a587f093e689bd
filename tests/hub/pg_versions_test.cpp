// SPDX-License-Identifier: Apache-2.0
// Where versions live in PostgreSQL: schemas, and views that are swapped in one transaction.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "hub/versions/lock_out.hpp"
#include "hub/versions/version_store.hpp"
#include "projection/database/target.hpp"
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

  // A reader's transaction.
  class Reader {
   public:
    explicit Reader(const test::PostgresServer& server, const std::string& schema = "pumps")
        : target_(std::move(*projection::Target::open(
              projection::Place::postgres(server.conninfo(), schema), projection::Access::kRead))) {
      (void)target_->begin(projection::Begin::kSynced);
    }
    ~Reader() { target_->rollback(); }
    core::Result<std::string> ask(const std::string& sql) {
      return projection::query_text(*target_, sql);
    }

   private:
    std::unique_ptr<projection::Target> target_;
  };

  // Two views that say which version they are of.
  void make_pair(const std::string& schema, const std::string& version) {
    std::string sql = "CREATE SCHEMA " + schema + "; SET search_path = " + schema;
    for (const char* table : {"alpha", "omega"})
      sql += std::string("; CREATE TABLE ") + table + " (version text); INSERT INTO " + table +
             " VALUES ('" + version + "')";
    read(sql);
  }

  // A tenth of the usual: who waits for whom is looked at after this time.
  test::PostgresServer server_{{.config = "deadlock_timeout = 100ms"}};
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

TEST_F(PgVersionsTest, AStartThatChangesNothingIsInNoReadersWay) {
  auto book = store_->load(1);
  ASSERT_TRUE(book);
  make_pair("pumps__v1", "1");
  book->serve(kOne, 1);
  ASSERT_TRUE(store_->serve(*book));
  Reader reader(server_);
  ASSERT_TRUE(reader.ask("SELECT version FROM omega"));
  const auto again = postgres_versions(server_.conninfo(), "pumps");
  auto same = again->load(2);
  ASSERT_TRUE(same);
  same->serve(kOne, 3);
  const auto served = again->serve(*same);
  EXPECT_TRUE(served) << core::to_string(served.error());
}

TEST(LockTimes, EndLongBeforeAReaderLooksForACircle) {
  using std::chrono::milliseconds;
  for (const int ms : {4, 100, 1'000, 60'000}) {
    const auto times = lock_times(milliseconds(ms));
    EXPECT_LE(2 * times.all, milliseconds(ms));
    EXPECT_LT(times.each, times.all);
  }
  EXPECT_EQ(lock_times(milliseconds(60'000)).each, milliseconds(200));
}

// The reader has what the switch takes last, and asks for what it has taken first, when PostgreSQL
// has looked already whether the switch waits in a circle.
TEST_F(PgVersionsTest, AReaderOfTwoViewsIsNeverTheVictimOfASwitch) {
  using namespace std::chrono_literals;
  auto book = store_->load(1);
  ASSERT_TRUE(book);
  make_pair("pumps__v1", "1");
  make_pair("pumps__v2", "2");
  book->serve(kOne, 1);
  ASSERT_TRUE(store_->serve(*book));
  std::mutex mutex;
  std::condition_variable wake;
  bool done = false;
  std::string wrong;
  const auto rest = [&](std::chrono::milliseconds time) {
    std::unique_lock lock(mutex);
    return !wake.wait_for(lock, time, [&] { return done; });
  };
  std::atomic<int> rounds{0};
  const auto read_both = [&](const char* first, const char* second) {
    do {
      {
        Reader reader(server_);
        const auto one = reader.ask(std::string("SELECT version FROM ") + first);
        rest(150ms);  // a reader thinks
        const auto other = reader.ask(std::string("SELECT version FROM ") + second);
        const std::lock_guard lock(mutex);
        if (!one || !other)
          wrong = core::to_string(one ? other.error() : one.error());
        else if (*one != *other)
          wrong = "a mixed model: " + *one + " and " + *other;
      }
      ++rounds;
    } while (rest(100ms));
  };
  std::thread up([&] { read_both("alpha", "omega"); });
  std::thread down([&] { read_both("omega", "alpha"); });
  int switches = 0;
  const auto until = std::chrono::steady_clock::now() + 40s;
  for (int i = 0; rounds < 20 && std::chrono::steady_clock::now() < until; ++i) {
    book->serve(switches % 2 == 0 ? kTwo : kOne, 10 + i);
    const auto switched = store_->serve(*book);
    if (switched)
      ++switches;
    else
      EXPECT_EQ(core::error_word(switched.error().code), "busy") << switched.error().message;
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
    wake.notify_all();
  }
  up.join();
  down.join();
  EXPECT_EQ(wrong, "");
  EXPECT_GE(switches, 5);
  EXPECT_GE(rounds, 20);
  EXPECT_EQ(server_.log().find("deadlock"), std::string::npos) << server_.log();
}

TEST_F(PgVersionsTest, ASwitchSaysWhoReadsAndGoesThroughWhenTheyPause) {
  auto book = store_->load(1);
  ASSERT_TRUE(book);
  make_pair("pumps__v1", "1");
  make_pair("pumps__v2", "2");
  book->serve(kOne, 1);
  ASSERT_TRUE(store_->serve(*book));
  book->serve(kTwo, 2);
  {
    Reader reader(server_);
    ASSERT_TRUE(reader.ask("SELECT version FROM omega"));
    const auto pid = reader.ask("SELECT pg_backend_pid()::text");
    ASSERT_TRUE(pid);
    const auto refused = store_->serve(*book);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, core::Errc::kBusy);
    EXPECT_NE(refused.error().message.find("process " + *pid), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(read("SELECT version FROM pumps.alpha"), "1");
  }
  const auto switched = store_->serve(*book);
  EXPECT_TRUE(switched) << core::to_string(switched.error());
  EXPECT_EQ(read("SELECT version FROM pumps.alpha"), "2");
}

TEST_F(PgVersionsTest, WhoReadsAKeptVersionKeepsItFromBeingDropped) {
  ASSERT_TRUE(store_->load(1));
  make_pair("pumps__v1", "1");
  {
    Reader reader(server_, "pumps__v1");
    ASSERT_TRUE(reader.ask("SELECT version FROM omega"));
    auto dropping = std::async(std::launch::async, [&] { return store_->drop(kOne); });
    // A reader thinks.
    EXPECT_EQ(dropping.wait_for(std::chrono::milliseconds(250)), std::future_status::timeout);
    const auto other = reader.ask("SELECT version FROM alpha");
    EXPECT_TRUE(other) << core::to_string(other.error());
    const auto dropped = dropping.get();
    EXPECT_EQ(dropped ? "" : core::error_word(dropped.error().code), "busy");
  }
  EXPECT_TRUE(store_->drop(kOne));
  EXPECT_EQ(read("SELECT count(*) FROM pg_namespace WHERE nspname = 'pumps__v1'"), "0");
}

}  // namespace
}  // namespace sluice::hub
