// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/lab/disk/device.hpp"
#include "tests/lab/disk/lab_gateway.hpp"
#include "tests/support/lab_report.hpp"

namespace sluice::test {

// Power cuts under a gateway with devices at work: load, cut, mount, start, compare, and again on
// the same disk, so that each start finds what the last cut left.
struct CutPlan {
  std::string fault = {};  // the row's name
  std::uint64_t cuts = 20;
  std::chrono::milliseconds load_least{200};
  std::chrono::milliseconds load_most{700};
  std::uint64_t seed = 1;
  std::vector<Device::Options> devices = {};
  LabGateway::Options gateway = {};  // with nats_url an uplink is cut off and started as well
  // What else must hold in the end, with the gateway running and the devices at rest; empty words
  // if it does.
  std::function<std::string(LabGateway&)> at_end = {};
};

struct CutResult {
  LabRow row;
  std::uint64_t lost_late = 0;
  std::string example;  // the first thing that is wrong, in words
};

// Ends early at the first start that fails (row.reopened is false then). Does not report the row.
CutResult cut_again_and_again(const CutPlan& plan);

// SLUICE_LAB_CUTS, or `standard`.
std::uint64_t cuts_wanted(std::uint64_t standard);

}  // namespace sluice::test
