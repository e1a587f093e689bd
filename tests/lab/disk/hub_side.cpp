// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/hub_side.hpp"

#include <stdexcept>

#include "tests/support/process.hpp"

namespace sluice::test {

HubSide::HubSide() {
  const auto made = run({program("sluice"), "provision", "--nats", nats_.url(), "--max-bytes",
                         "1GiB", "--keep-forever"});
  if (made.code != 0) throw std::runtime_error("provision: " + made.output);
}

bool HubSide::has_all(const LabGateway& gateway) {
  const auto status = gateway.status();
  if (!status.is_object()) return false;
  for (const auto& [name, lane] : status.at("lanes").as_object())
    if (name != "system" && lane.at("acked").as_int64() != lane.at("last").as_int64()) return false;
  return true;
}

std::int64_t HubSide::acked(const LabGateway& gateway) {
  const auto status = gateway.status();
  return status.is_object() ? status.at("lanes").at("telemetry").at("acked").as_int64() : 0;
}

std::string HubSide::audit(const LabGateway& gateway) {
  const auto done = run({program("sluice"), "audit", "--gateway", gateway.ingest_socket().string(),
                         "--nats", nats_.url()});
  return done.code == 0 ? std::string() : done.output;
}

}  // namespace sluice::test
