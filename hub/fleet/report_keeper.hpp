// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/codec/messages.hpp"
#include "core/result.hpp"
#include "hub/fleet/report_trends.hpp"

namespace sluice::hub {

// The newest report of each gateway, with the hub's own time of receipt: a gateway's wall clock may
// be years off, so "last seen" is never taken from the report. Any thread.
class ReportKeeper {
 public:
  struct Gateway {
    codec::Report report;
    std::int64_t received_ns = 0;  // when the hub stored it, by the hub's wall clock
    // Another machine reports as this gateway too: the machines whose reports interleave.
    std::vector<std::string> machines;
    ReportTrends trends;
    bool is_clone() const { return report.stopped_as_clone || machines.size() > 1; }
  };

  // How long after its last report a machine still counts as live.
  static constexpr std::int64_t kMachineLiveNs = 15LL * 60 * 1'000'000'000;
  static constexpr std::size_t kGatewaysMax = 100'000;
  static constexpr std::size_t kMachinesMax = 8;  // remembered of one gateway

  // `gateway` is the subject's last token, which permissions confine. kBadRequest: the report names
  // another; kCorrupt, kUnsupported: not readable; kLimit: too many gateways.
  core::Result<void> take(std::string_view gateway, std::string_view payload,
                          std::int64_t received_ns);
  // The entry was deleted at the hub.
  void remove(std::string_view gateway);

  // Ordered by gateway.
  std::vector<Gateway> all(std::int64_t now_ns) const;
  std::vector<std::string> gateways() const;  // their ids
  // nullopt: it has not reported.
  std::optional<Gateway> one(std::string_view gateway, std::int64_t now_ns) const;

 private:
  struct Machine {
    std::string name;
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
  };
  struct Entry {
    codec::Report report;
    std::int64_t received_ns = 0;
    std::vector<Machine> machines;
    ReportTrends trends;
  };
  static Gateway describe(const Entry& entry, std::int64_t now_ns);
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace sluice::hub
