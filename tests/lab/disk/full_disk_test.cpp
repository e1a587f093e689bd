// SPDX-License-Identifier: Apache-2.0
// Another program fills the disk under load, to its last block, and goes away again: appends are
// refused while there is no room, reads and forwarding go on, and appends go on by themselves
// afterwards. Nothing acknowledged is lost, then or at the next start.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "tests/lab/disk/device.hpp"
#include "tests/lab/disk/hub_side.hpp"
#include "tests/lab/disk/loop_disk.hpp"
#include "tests/support/lab_report.hpp"

namespace sluice::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// How long the disk stays full; SLUICE_LAB_FULL_SECONDS says otherwise.
seconds full_for() {
  const char* const wish = std::getenv("SLUICE_LAB_FULL_SECONDS");
  return seconds(wish == nullptr ? 12 : std::atoi(wish));
}

// Takes the room that is left, in pieces that get smaller.
void fill(const std::filesystem::path& file) {
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_GE(out, 0);
  off_t at = 0;
  for (off_t piece = 64 << 20; piece >= 4096;) {
    if (::posix_fallocate(out, at, piece) == 0)
      at += piece;
    else
      piece /= 2;
  }
  ::close(out);
}

// Reads are served: the stream's newest event is there.
bool log_is_read(const LabGateway& gateway) {
  const auto done = run({program("sluice"), "read", "pump/1", "--gateway",
                         gateway.ingest_socket().string(), "--limit", "1"});
  return done.code == 0 && !done.out.empty();
}

class FullDisk : public ::testing::Test {
 protected:
  // `disk` holds the gateway's state and `disk`/other, which somebody else fills.
  void fills_and_empties(const std::filesystem::path& disk, const std::string& row_name,
                         const std::string& log = {}) {
    LabRow row{.fault = row_name, .runs = 1};
    HubSide hub;
    LabGateway gateway(disk / "state", {.log = log, .nats_url = hub.nats().url()});
    ASSERT_EQ(gateway.start(), "");
    const pid_t process = gateway.sluiced().pid();
    gateway.start_uplink();
    Device pump(gateway.ingest_socket(), {.stream = "pump/1", .pad_bytes = 2'000, .seed = 31});
    Device film(gateway.ingest_socket(),
                {.stream = "film/1", .per_append = 10, .pad_bytes = 4'000, .seed = 32});
    for (Device* device : {&pump, &film}) device->start();
    ASSERT_TRUE(eventually([&] { return pump.count() > 50 && film.count() > 50; }));
    hub.nats().pause();
    const auto before = pump.count();
    ASSERT_TRUE(eventually([&] { return pump.count() > before + 50; }));

    fill(disk / "other");
    const auto full_until = steady_clock::now() + full_for();
    ASSERT_TRUE(eventually([&] { return pump.refusals().contains("limit"); }, seconds(30)))
        << pump.last_refusal();
    hub.nats().resume();  // the backlog drains while the disk is full
    EXPECT_TRUE(eventually([&] { return HubSide::has_all(gateway); }, seconds(60)))
        << core::to_json(gateway.status());
    EXPECT_GE(hub.read_all().size(), before);
    EXPECT_TRUE(log_is_read(gateway));
    eventually([&] { return steady_clock::now() >= full_until; }, full_for() + seconds(60));
    EXPECT_TRUE(gateway.running()) << gateway.journal();

    std::filesystem::remove(disk / "other");
    const auto afterwards = pump.count() + film.count();
    EXPECT_TRUE(
        eventually([&] { return pump.count() + film.count() > afterwards + 100; }, seconds(60)))
        << pump.last_refusal() << "\n"
        << gateway.journal();
    EXPECT_EQ(gateway.sluiced().pid(), process);
    EXPECT_TRUE(gateway.running());

    for (Device* device : {&pump, &film}) device->stop();
    ASSERT_TRUE(eventually([&] { return HubSide::has_all(gateway); }, seconds(60)));
    gateway.kill();
    const std::string words = gateway.start();
    row.reopened = words.empty();
    ASSERT_EQ(words, "");
    EXPECT_TRUE(log_is_read(gateway));
    // At the hub: a disk that is short of room takes acked segments from the log early.
    const auto seen = compare({pump.acknowledged(), film.acknowledged()}, hub.read_all());
    row.acked = seen.acked;
    row.lost = seen.lost;
    row.doubled = seen.doubled;
    row.out_of_order = seen.out_of_order;
    lab_report(row);
    EXPECT_EQ(seen.lost + seen.doubled + seen.out_of_order, 0u) << seen.example;
  }
};

TEST_F(FullDisk, OnASmallExt4NothingIsLost) {
  LoopDisk disk(LoopDisk::Options{.bytes = 512u << 20});
  fills_and_empties(disk.path(), "small ext4 full under load");
}

TEST_F(FullDisk, OnATmpfsNothingIsLost) {
  const TempDir folder;
  ASSERT_EQ(::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=384m"), 0);
  fills_and_empties(folder.path(), "tmpfs full under load");
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace sluice::test
