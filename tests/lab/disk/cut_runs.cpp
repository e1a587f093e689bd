// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/cut_runs.hpp"

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "core/random.hpp"
#include "tests/lab/disk/loop_disk.hpp"

namespace sluice::test {
namespace {

using std::chrono::steady_clock;

// Loads for a random time, but at least until every device was answered once.
void load(std::vector<std::unique_ptr<Device>>& devices, std::chrono::milliseconds time) {
  std::vector<std::uint64_t> before;
  for (const auto& device : devices) before.push_back(device->count());
  const auto until = steady_clock::now() + time;
  for (const auto& device : devices) device->start();
  const bool answered = eventually([&] {
    if (steady_clock::now() < until) return false;
    for (std::size_t i = 0; i < devices.size(); ++i)
      if (devices[i]->count() == before[i]) return false;
    return true;
  });
  if (!answered)
    throw std::runtime_error("a device gets no answers: " + devices[0]->last_refusal());
}

std::vector<std::vector<Acknowledged>> records(
    const std::vector<std::unique_ptr<Device>>& devices) {
  std::vector<std::vector<Acknowledged>> out;
  for (const auto& device : devices) out.push_back(device->acknowledged());
  return out;
}

}  // namespace

CutResult cut_again_and_again(const CutPlan& plan) {
  CutResult result;
  result.row.fault = plan.fault;
  core::SeededRandom random(plan.seed);
  LoopDisk disk(LoopDisk::Options{.bytes = 4ull << 30});
  LabGateway gateway(disk.path() / "state", plan.gateway);
  std::vector<std::unique_ptr<Device>> devices;
  for (const auto& options : plan.devices)
    devices.push_back(std::make_unique<Device>(gateway.ingest_socket(), options));
  result.example = gateway.start();
  result.row.reopened = result.example.empty();
  const auto spread = static_cast<std::uint64_t>((plan.load_most - plan.load_least).count()) + 1;
  while (result.row.runs < plan.cuts && result.row.reopened) {
    if (!plan.gateway.nats_url.empty()) gateway.start_uplink();
    load(devices, plan.load_least + std::chrono::milliseconds(random.below(spread)));
    for (const auto& device : devices) device->power_is_gone();
    disk.cut();  // the devices are at work: an answer that still comes must be true
    gateway.kill();
    for (const auto& device : devices) device->stop();
    disk.mount_again();
    ++result.row.runs;
    if (const std::string words = gateway.start(); !words.empty()) {
      result.row.reopened = false;
      result.example = words;
      break;
    }
    const Comparison seen = compare(records(devices), gateway.read_all());
    result.lost_late = seen.lost_late;
    result.row.acked = seen.acked;
    result.row.lost = seen.lost;
    result.row.doubled = seen.doubled;
    result.row.out_of_order = seen.out_of_order;
    if (!seen.example.empty()) {
      result.example = "after cut " + std::to_string(result.row.runs) + ": " + seen.example;
      break;
    }
  }
  if (plan.at_end && result.example.empty()) {
    if (!plan.gateway.nats_url.empty()) gateway.start_uplink();
    result.example = plan.at_end(gateway);
  }
  gateway.kill();
  return result;
}

std::uint64_t cuts_wanted(std::uint64_t standard) {
  const char* text = std::getenv("SLUICE_LAB_CUTS");
  if (text == nullptr) return standard;
  const std::uint64_t wanted = std::strtoull(text, nullptr, 10);
  return wanted > 0 ? wanted : standard;
}

}  // namespace sluice::test
