// SPDX-License-Identifier: Apache-2.0
// The kernel finds the log's filesystem faulty and makes it read-only: appends are refused with a
// word of their own, reads and forwarding go on, and after a repair everything acknowledged is
// there.
#include <gtest/gtest.h>

#include "tests/lab/disk/device.hpp"
#include "tests/lab/disk/hub_side.hpp"
#include "tests/lab/disk/loop_disk.hpp"
#include "tests/support/lab_report.hpp"

namespace sluice::test {
namespace {

TEST(ReadOnlyDisk, RefusesAppendsForwardsAndLosesNothing) {
  LabRow row{.fault = "filesystem turned read-only by an error", .runs = 1};
  HubSide hub;
  LoopDisk disk;
  LabGateway gateway(disk.path() / "state", {.nats_url = hub.nats().url()});
  ASSERT_EQ(gateway.start(), "");
  gateway.start_uplink();
  Device pump(gateway.ingest_socket(), {.stream = "pump/1", .seed = 21});
  Device fire(gateway.ingest_socket(), {.stream = "fire/1", .seed = 22});
  for (Device* device : {&pump, &fire}) device->start();
  ASSERT_TRUE(eventually([&] { return pump.count() > 20 && fire.count() > 20; }));
  ASSERT_TRUE(eventually([&] { return HubSide::acked(gateway) > 20; }));

  hub.nats().pause();  // a backlog, for the time when nothing can be written
  const auto before = pump.count();
  ASSERT_TRUE(eventually([&] { return pump.count() > before + 50; }));
  disk.make_faulty();
  ASSERT_TRUE(eventually([&] { return disk.read_only(); }));
  ASSERT_TRUE(eventually([&] { return !pump.refusals().empty() && !fire.refusals().empty(); }));
  const auto frozen = pump.count() + fire.count();
  // A word of its own: the field of the refusal names what is wrong.
  EXPECT_TRUE(eventually([&] {
    return pump.last_refusal().find("field read_only") != std::string::npos;
  })) << pump.last_refusal();
  EXPECT_TRUE(gateway.running()) << gateway.journal();
  EXPECT_EQ(pump.count() + fire.count(), frozen);
  EXPECT_GE(gateway.read_all().size(), frozen);  // reads are served

  hub.nats().resume();
  EXPECT_TRUE(eventually([&] { return HubSide::has_all(gateway); }, std::chrono::seconds(60)))
      << core::to_json(gateway.status());

  for (Device* device : {&pump, &fire}) device->stop();
  gateway.kill();
  disk.unmount();
  EXPECT_LT(disk.check(), 4);
  disk.mount();
  const std::string words = gateway.start();
  row.reopened = words.empty();
  ASSERT_EQ(words, "");
  const auto seen = compare({pump.acknowledged(), fire.acknowledged()}, gateway.read_all());
  row.acked = seen.acked;
  row.lost = seen.lost;
  row.doubled = seen.doubled;
  row.out_of_order = seen.out_of_order;
  lab_report(row);
  EXPECT_EQ(seen.lost + seen.doubled + seen.out_of_order, 0u) << seen.example;

  // What the devices still hold goes in now, once, and all of it arrives.
  gateway.start_uplink();
  for (Device* device : {&pump, &fire}) device->start();
  ASSERT_TRUE(eventually([&] { return pump.count() + fire.count() > frozen + 40; }));
  for (Device* device : {&pump, &fire}) device->stop();
  ASSERT_TRUE(eventually([&] { return HubSide::has_all(gateway); }, std::chrono::seconds(60)));
  const auto end = compare({pump.acknowledged(), fire.acknowledged()}, gateway.read_all());
  EXPECT_EQ(end.lost + end.doubled + end.out_of_order, 0u) << end.example;
  const auto there = compare({pump.acknowledged(), fire.acknowledged()}, hub.read_all());
  EXPECT_EQ(there.lost + there.doubled + there.out_of_order, 0u) << there.example;
}

TEST(DoubtfulDisk, AMountWithoutBarriersIsToldAtTheStart) {
  LoopDisk disk(LoopDisk::Options{.mount_options = "nobarrier"});
  LabGateway gateway(disk.path() / "state", {});
  ASSERT_EQ(gateway.start(), "");
  EXPECT_NE(gateway.journal().find("mounted without barriers"), std::string::npos)
      << gateway.journal();
}

TEST(DoubtfulDisk, AMountWithWritebackIsToldAtTheStart) {
  LoopDisk disk(LoopDisk::Options{.mount_options = "data=writeback"});
  LabGateway gateway(disk.path() / "state", {});
  ASSERT_EQ(gateway.start(), "");
  EXPECT_NE(gateway.journal().find("data=writeback"), std::string::npos) << gateway.journal();
}

}  // namespace
}  // namespace sluice::test
