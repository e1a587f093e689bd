// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>

#include "core/text.hpp"
#include "sqlite/database.hpp"
#include "storage/id_filter.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Lane;
using sqlite::Database;
using sqlite::OpenMode;
using sqlite::Statement;

std::string shown(const Statement& row, int column) {
  switch (row.type(column)) {
    case Statement::Type::kInteger:
      return std::to_string(row.integer(column));
    case Statement::Type::kText:
      return "'" + std::string(row.text(column)) + "'";
    case Statement::Type::kBlob:
      return "x'" + core::to_hex(row.blob(column)) + "'";
    default:
      return "NULL";
  }
}

std::string dump(Database& database, const std::string& title, const std::string& sql) {
  std::string out;
  auto rows = database.prepare(sql);
  if (!rows) return core::to_string(rows.error());
  for (;;) {
    const auto row = rows->step();
    if (!row || !*row) return out;
    out += title;
    for (int i = 0; i < rows->columns(); ++i) out += (i == 0 ? " " : " | ") + shown(*rows, i);
    out += '\n';
  }
}

// The block of docs/log-format.md between ```text and ```.
std::string documented() {
  std::ifstream in(SLUICE_SOURCE_DIR "/docs/log-format.md");
  std::string line;
  std::string block;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line == "```text worked-example")
      inside = true;
    else if (line == "```")
      inside = false;
    else if (inside)
      block += line + "\n";
  }
  return block;
}

TEST(LogFormat, TheWorkedExampleIsWhatTheProgramWrites) {
  const test::TempDir scratch;
  core::ManualClock clock;
  core::SeededRandom random(1);
  core::NullLogger logger;
  LogSettings settings;
  settings.disk_soft = settings.disk_hard = settings.ballast = 0;
  auto log =
      EventLog::open({scratch.path() / "log", *core::GatewayId::parse("plant-7"), settings, {}, {}},
                     {clock, random, logger});
  ASSERT_TRUE(log);
  NewEvent event = make_event("pump/7", "Measured", "\x81\xa1t\x15");
  event.id = *core::Uuid::parse("01234567-89ab-4def-8123-456789abcdef");
  event.occurred_at_ns = 1'789'999'999'000'000'000;
  std::promise<void> stored;
  (*log)->append({{event}, false}, [&](auto answer) {
    EXPECT_TRUE(answer);
    stored.set_value();
  });
  stored.get_future().get();
  (*log)->stop();

  std::filesystem::path file;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path() / "log/telemetry"))
    if (entry.path().extension() == ".seg") file = entry.path();
  auto database = Database::open(file, OpenMode::kReadOnly);
  ASSERT_TRUE(database);
  std::string written = "file telemetry/" + file.filename().string() + "\n";
  written += dump(*database, "application_id", "PRAGMA application_id");
  written += dump(*database, "user_version", "PRAGMA user_version");
  written += dump(*database, "meta", "SELECT key,value FROM meta ORDER BY key");
  written +=
      dump(*database, "epoch", "SELECT first_seq,epoch,previous,last_seq,chain,reason FROM epoch");
  written += dump(*database, "category", "SELECT name FROM category");
  written += dump(*database, "event", "SELECT seq,crc,body FROM event ORDER BY seq");
  core::ChainHash chain{};
  auto rows = database->prepare("SELECT body FROM event ORDER BY seq");
  ASSERT_TRUE(rows);
  while (*rows->step()) chain = core::chain_next(chain, rows->blob(0));
  written += "chain after 2 x'" +
             core::to_hex({reinterpret_cast<const char*>(chain.data()), chain.size()}) + "'\n";
  const IdFilter filter = IdFilter::build({*event.id});
  written += "filter of that one id x'" + core::to_hex(filter.bytes()) + "'\n";
  EXPECT_EQ(documented(), written) << "docs/log-format.md must show:\n" << written;
}

}  // namespace
}  // namespace sluice::storage
