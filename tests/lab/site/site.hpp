// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/nats/login_settings.hpp"
#include "tests/lab/site/device.hpp"
#include "tests/lab/site/verdict.hpp"
#include "tests/support/process.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::test {

// A gateway, a sluice-hub with the lab's model, and devices, around a hub server that the caller
// makes and breaks. Real processes, which a supervisor would start again: so does everything here
// that waits. One thread.
class Site {
 public:
  struct Options {
    std::vector<std::string> nats_urls;  // for sluice-hub and provisioning
    std::string gateway_url = {};        // for the uplink; empty: nats_urls
    std::string uplink = {};             // further lines of [uplink]
    nats::LoginSettings login = {};      // of sluice-hub and provisioning; its urls are not used
    int replicas = 1;
    std::string max_bytes = "1GiB";
    std::string sections = {};                    // further sections of the gateway's file
    std::vector<std::string> environment = {};    // of sluiced and sluice-uplink
    std::vector<std::string> uplink_prefix = {};  // a command that runs sluice-uplink
  };
  explicit Site(Options options);

  // Makes the hub streams and starts every program and `devices` devices.
  void start(std::size_t devices = 2);
  void start_without_uplink();  // and without devices
  void provision();
  void add_device(Device::Options options);
  void supervise();

  // So many events more are acknowledged by the gateway; fails the test if that takes longer.
  void append_more(std::uint64_t events, std::chrono::seconds limit = std::chrono::seconds(60));
  bool waits_until(const std::function<bool()>& condition, std::chrono::seconds limit);
  std::uint64_t acked();  // by the gateway, so far

  // Stops the devices, waits until all of it has taken effect, and says what did. The row's
  // `reopened` is whether that came within the limit without an operator.
  LabRow judge(const std::string& fault, std::uint64_t runs,
               std::chrono::seconds limit = std::chrono::seconds(120));

  sync::Installation& gateway() { return gateway_; }
  std::vector<std::unique_ptr<Device>>& devices() { return devices_; }
  std::string hub_url() const { return "http://127.0.0.1:" + std::to_string(hub_port_); }
  std::string logs() const;

 private:
  void start_hub();
  std::vector<std::string> login_arguments() const;
  std::string hub_lines() const;

  Options options_;
  TempDir folder_;
  std::uint16_t hub_port_;
  sync::Installation gateway_;
  std::optional<Process> hub_;
  std::vector<std::unique_ptr<Device>> devices_;
};

// How often a fault is repeated: `usual`, times SLUICE_LAB_RUNS if that is set.
std::uint64_t lab_runs(std::uint64_t usual);

// Reports the row, and fails the test if anything was lost, doubled, out of order or stuck.
void expect_nothing_lost(const LabRow& row, const Site& site);

}  // namespace sluice::test
