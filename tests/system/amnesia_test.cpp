// SPDX-License-Identifier: Apache-2.0
// One end forgets what the other remembers: every acknowledged event must still take effect once.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "sqlite/database.hpp"
#include "storage/segment_file.hpp"
#include "tests/system/chaos_check.hpp"
#include "tests/system/installation.hpp"
#include "tests/system/load_client.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Part = Installation::Part;

class Amnesia : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(site_.start()) << site_.logs(); }

  // Appends events with new ids through a gateway; returns when all are acknowledged.
  void append(Edge& edge, std::uint64_t count) {
    ++clients_;
    LoadClient client(edge.ingest_socket(), clients_, LoadClient::Ids::kRandom,
                      static_cast<std::uint64_t>(clients_));
    const std::atomic<bool> stop = false;
    client.run(count, stop);
    ASSERT_EQ(client.acknowledged().size(), count) << site_.logs();
    EXPECT_TRUE(client.violations().empty()) << client.violations().front();
    for (const auto& [id, position] : client.acknowledged()) expected_.insert(id.text());
  }

  bool model_is_complete() {
    const auto model = read_model(site_.hub_url());
    return model && model->size() >= expected_.size();
  }

  void expect_each_once() {
    EXPECT_TRUE(eventually([&] { return model_is_complete(); }, 90s)) << site_.logs();
    const auto model = read_model(site_.hub_url());
    ASSERT_TRUE(model) << to_string(model.error());
    EXPECT_EQ(model->size(), expected_.size());
    for (const std::string& id : expected_) {
      const auto at = model->find(id);
      ASSERT_NE(at, model->end()) << id << " never took effect\n" << site_.logs();
      ASSERT_EQ(at->second, 1) << id;
    }
  }

  // Distinct identities in the hub stream, but for what tells of the rewinds.
  std::size_t stored() {
    const auto hub = read_hub_stream(site_.nats_url());
    if (!hub) return 0;
    std::size_t rewinds = 0;
    for (const auto& [identity, times] : *hub)
      if (identity.find(".system.") != std::string::npos && !identity.ends_with(".system.1"))
        ++rewinds;
    return hub->size() - rewinds;
  }

  static void copy_folder(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }

  Installation site_{kChaosModel};
  Edge second_{site_.folder() / "plant-8", "plant-8", site_.nats_url()};
  std::set<std::string> expected_;
  int clients_ = 0;
};

TEST_F(Amnesia, HubStoreDeletedIsFilledAgainAndTheModelStaysRight) {
  second_.start();
  ASSERT_TRUE(eventually([&] { return socket_answers(second_.ingest_socket()); }));
  append(site_.edge(), 1500);
  append(second_, 500);
  expect_each_once();

  site_.kill(Part::kNats);
  std::filesystem::remove_all(site_.nats_store());
  site_.start(Part::kNats);
  ASSERT_TRUE(site_.provision()) << site_.logs();
  append(site_.edge(), 500);
  append(second_, 500);
  expect_each_once();
  // 3000 events, and EpochOpened in four lanes of two gateways.
  EXPECT_TRUE(eventually([&] { return stored() == 3008; }, 60s)) << stored() << site_.logs();
}

TEST_F(Amnesia, HubStoreCutBackGetsWhatIsMissingAgain) {
  second_.start();
  ASSERT_TRUE(eventually([&] { return socket_answers(second_.ingest_socket()); }));
  append(site_.edge(), 500);
  append(second_, 100);
  expect_each_once();
  site_.kill(Part::kNats);
  copy_folder(site_.nats_store(), site_.folder() / "older");
  site_.start(Part::kNats);
  append(site_.edge(), 1500);
  append(second_, 300);
  expect_each_once();

  site_.kill(Part::kNats);
  copy_folder(site_.folder() / "older", site_.nats_store());
  site_.start(Part::kNats);
  append(site_.edge(), 500);
  append(second_, 500);
  expect_each_once();
  EXPECT_TRUE(eventually([&] { return stored() == 3408; }, 60s)) << stored() << site_.logs();
}

TEST_F(Amnesia, LogThatLostItsForwardedTailGoesOnInANewEpoch) {
  append(site_.edge(), 1000);
  expect_each_once();
  site_.edge().kill();
  const auto segments = storage::list_segments(
      storage::lane_folder(site_.edge().log_folder(), core::Lane::kTelemetry));
  ASSERT_TRUE(segments);
  {
    auto database = sqlite::Database::open(segments->back().path, sqlite::OpenMode::kReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->exec("DELETE FROM event WHERE seq > (SELECT max(seq) - 300 FROM event)"));
  }
  site_.edge().start();
  append(site_.edge(), 500);
  expect_each_once();
}

TEST_F(Amnesia, OldCopyOfTheStateFolderLosesNothingToTheGate) {
  append(site_.edge(), 300);
  expect_each_once();
  site_.edge().kill();
  copy_folder(site_.edge().state_folder(), site_.folder() / "older");
  site_.edge().start();
  append(site_.edge(), 500);
  expect_each_once();

  site_.edge().kill();
  copy_folder(site_.folder() / "older", site_.edge().state_folder());
  site_.edge().start();
  append(site_.edge(), 400);
  expect_each_once();
}

}  // namespace
}  // namespace sluice::test
