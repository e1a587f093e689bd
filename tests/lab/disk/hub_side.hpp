// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/lab/disk/lab_gateway.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice::test {

// A hub for one LabGateway: a real nats-server on an ordinary disk, provisioned.
class HubSide {
 public:
  HubSide();  // throws std::runtime_error
  NatsServer& nats() { return nats_; }

  // The uplink has brought everything that the log has to the hub, by its own account (that of
  // sluiced may be behind while nothing can be written).
  static bool has_all(const LabGateway& gateway);
  static std::int64_t acked(const LabGateway& gateway);  // of lane telemetry
  // Each event that the hub stream has of the devices, once for each identity, in its order: what
  // the log gave up after the hub had it is only here.
  std::vector<Found> read_all();

 private:
  NatsServer nats_;
};

}  // namespace sluice::test
