// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "core/clock.hpp"
#include "gateway/ack_desk.hpp"
#include "gateway/device_wear.hpp"
#include "gateway/fork_book.hpp"
#include "gateway/uplink_service.hpp"

namespace sluice::gateway {

// What a gateway says of itself: the map of `status` and /v1/status, the text of /metrics. On the
// I/O thread.
class Status {
 public:
  struct Traffic {
    std::size_t rpc_connections = 0;
    std::size_t http_connections = 0;
    std::uint64_t http_requests = 0;
  };
  struct Sources {
    AckDesk& acks;
    const UplinkService& uplink;
    const ForkBook& forks;
    const DeviceWear& wear;
    const core::Clock& clock;
    std::function<Traffic()> traffic;
  };
  explicit Status(Sources sources);

  std::string map() const;      // encoded MessagePack; canonical, so that it is JSON as well
  std::string metrics() const;  // Prometheus text format 0.0.4
  std::string failure() const;  // why the program should end; empty while all is well
  std::string line() const;     // for `systemctl status`

 private:
  void pack_wear(rpc::Packer& out, const storage::EventLog::Counters& counters) const;

  AckDesk& acks_;
  LogDesk& desk_;
  const UplinkService& uplink_;
  const ForkBook& forks_;
  const DeviceWear& wear_;
  const core::Clock& clock_;
  const std::function<Traffic()> traffic_;
  const std::uint64_t started_ns_;
};

}  // namespace sluice::gateway
