// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.hpp"

#include <gtest/gtest.h>

#include "sqlite/fault_vfs.hpp"
#include "sqlite/transaction.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::sqlite {
namespace {

using core::Errc;

class DatabaseTest : public ::testing::Test {
 protected:
  Database open(OpenMode mode = OpenMode::kCreate, const OpenOptions& options = {}) {
    auto database = Database::open(path, mode, options);
    if (!database) throw std::runtime_error(database.error().message);
    return std::move(*database);
  }

  test::TempDir scratch;
  std::filesystem::path path = scratch.path() / "it's 100%? #1.db";
};

TEST_F(DatabaseTest, ValuesComeBackAsTheyWereBound) {
  Database database = open();
  ASSERT_TRUE(database.exec("CREATE TABLE t(i, r, s, b, n)"));
  auto insert = database.prepare("INSERT INTO t VALUES(?1,?2,?3,?4,?5)");
  ASSERT_TRUE(insert);
  const std::string bytes("\0\xff\1", 3);
  insert->bind(1, std::int64_t{INT64_MIN})
      .bind(2, 0.5)
      .bind(3, "")
      .bind_blob(4, bytes)
      .bind_null(5);
  ASSERT_TRUE(insert->run());
  auto select = database.prepare("SELECT i,r,s,b,n FROM t");
  ASSERT_TRUE(*select->step());
  EXPECT_EQ(select->integer(0), INT64_MIN);
  EXPECT_EQ(select->real(1), 0.5);
  EXPECT_EQ(select->type(2), Statement::Type::kText);
  EXPECT_EQ(select->text(2), "");
  EXPECT_EQ(select->blob(3), bytes);
  EXPECT_TRUE(select->is_null(4));
  EXPECT_FALSE(*select->step());
}

TEST_F(DatabaseTest, AWrongParameterIsAnErrorNotSilence) {
  Database database = open();
  ASSERT_TRUE(database.exec("CREATE TABLE t(i)"));
  auto insert = database.prepare("INSERT INTO t VALUES(?1)");
  insert->bind(2, std::int64_t{1});
  EXPECT_FALSE(insert->run());
}

TEST_F(DatabaseTest, ErrorsNameTheFileAndTheCode) {
  Database database = open();
  const auto failed = database.exec("SELECT * FROM absent");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(path.string()), std::string::npos);
  EXPECT_NE(failed.error().message.find("no such table"), std::string::npos)
      << failed.error().message;
  EXPECT_NE(failed.error().message.find("(SQLite 1)"), std::string::npos);
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsCorrupt) {
  scratch.write(path.filename().string(), std::string(8192, 'x'));
  auto database = Database::open(path, OpenMode::kReadWrite);
  const auto failed = database ? database->exec("SELECT * FROM t") : database.error();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kCorrupt);
}

TEST_F(DatabaseTest, OnlyCreateMakesAFile) {
  EXPECT_FALSE(Database::open(path, OpenMode::kReadWrite));
  EXPECT_FALSE(Database::open(path, OpenMode::kReadOnly));
  EXPECT_FALSE(std::filesystem::exists(path));
  open();
}

TEST_F(DatabaseTest, ReadOnlyAndImmutableRefuseToWrite) {
  ASSERT_TRUE(open().exec("CREATE TABLE t(i)"));
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kImmutable}) {
    Database database = open(mode);
    EXPECT_FALSE(database.exec("INSERT INTO t VALUES(1)"));
    EXPECT_EQ(*database.query_int("SELECT count(*) FROM t"), 0);
  }
}

TEST_F(DatabaseTest, AnImmutableReaderDoesNotLookIntoTheWal) {
  Database writer = open();
  ASSERT_TRUE(writer.exec("PRAGMA journal_mode=wal; CREATE TABLE t(i)"));
  ASSERT_TRUE(writer.checkpoint(Database::Checkpoint::kTruncate));
  ASSERT_TRUE(writer.exec("INSERT INTO t VALUES(1)"));
  EXPECT_EQ(*open(OpenMode::kReadOnly).query_int("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(*open(OpenMode::kImmutable).query_int("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, ATransactionThatIsNotCommittedIsRolledBack) {
  Database database = open();
  ASSERT_TRUE(database.exec("CREATE TABLE t(i)"));
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.exec("INSERT INTO t VALUES(1)"));
    EXPECT_TRUE(database.in_transaction());
  }
  EXPECT_FALSE(database.in_transaction());
  EXPECT_EQ(*database.query_int("SELECT count(*) FROM t"), 0);
  auto transaction = Transaction::begin(database);
  ASSERT_TRUE(database.exec("INSERT INTO t VALUES(1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(*database.query_int("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, ASecondWriterIsBusy) {
  Database first = open();
  ASSERT_TRUE(first.exec("CREATE TABLE t(i)"));
  Database second = open();
  auto held = Transaction::begin(first);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy);
}

TEST_F(DatabaseTest, APragmaThatDoesNotTakeIsAnError) {
  Database database = open();
  EXPECT_TRUE(database.set_pragma("synchronous", "FULL", "2"));
  EXPECT_FALSE(database.set_pragma("synchronous", "FULL", "3"));
  Database memory;
  auto opened = Database::open(":memory:", OpenMode::kCreate);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->set_pragma("journal_mode", "wal", "wal"));
}

TEST_F(DatabaseTest, AReaderHoldsUpTruncateAndSaysSo) {
  Database writer = open();
  ASSERT_TRUE(writer.exec("PRAGMA journal_mode=wal; CREATE TABLE t(i); INSERT INTO t VALUES(1)"));
  Database reader = open(OpenMode::kReadOnly);
  auto select = reader.prepare("SELECT i FROM t");
  ASSERT_TRUE(*select->step());
  ASSERT_TRUE(writer.exec("INSERT INTO t VALUES(2)"));
  EXPECT_TRUE(writer.checkpoint(Database::Checkpoint::kTruncate)->busy);
  select->reset();
  EXPECT_FALSE(writer.checkpoint(Database::Checkpoint::kTruncate)->busy);
}

TEST_F(DatabaseTest, FaultsComeAsErrorsOfTheirKind) {
  using Fault = FaultVfs::Fault;
  Fault fault = Fault::kNone;
  FaultVfs::Operation which = FaultVfs::Operation::kWrite;
  const FaultVfs faults("database-test", [&](FaultVfs::Operation operation, std::string_view) {
    return operation == which ? fault : Fault::kNone;
  });
  OpenOptions options;
  options.vfs = faults.name();
  Database database = open(OpenMode::kCreate, options);
  ASSERT_TRUE(database.exec("PRAGMA journal_mode=wal; PRAGMA synchronous=FULL; CREATE TABLE t(i)"));
  fault = Fault::kDiskFull;
  EXPECT_EQ(database.exec("INSERT INTO t VALUES(1)").error().code, Errc::kLimit);
  fault = Fault::kIoError;
  EXPECT_EQ(database.exec("INSERT INTO t VALUES(1)").error().code, Errc::kIo);
  which = FaultVfs::Operation::kSync;
  const auto failed = database.exec("INSERT INTO t VALUES(1)");
  EXPECT_NE(failed.error().message.find("1034"), std::string::npos);  // IOERR_FSYNC
  fault = Fault::kNone;
  EXPECT_TRUE(database.exec("INSERT INTO t VALUES(2)"));
}

}  // namespace
}  // namespace sluice::sqlite
