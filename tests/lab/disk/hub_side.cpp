// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/hub_side.hpp"

#include <set>
#include <stdexcept>

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "sync/nats/connection.hpp"
#include "sync/nats/pull_consumer.hpp"
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
  const auto* link = status.at("link").as_object().if_contains("lanes");
  if (link == nullptr) return false;
  // Lane system may grow by itself at any time.
  for (const auto& [name, lane] : status.at("lanes").as_object())
    if (name != "system" && link->at(name).at("acked").as_int64() < lane.at("last").as_int64())
      return false;
  return true;
}

std::int64_t HubSide::acked(const LabGateway& gateway) {
  const auto status = gateway.status();
  return status.is_object() ? status.at("lanes").at("telemetry").at("acked").as_int64() : 0;
}

std::vector<Found> HubSide::read_all() {
  nats::ConnectionOptions options;
  options.login.urls = {nats_.url()};
  auto connection = nats::Connection::connect(options);
  if (!connection) throw std::runtime_error(to_string(connection.error()));
  nats::PullOptions pull;
  pull.hub_stream = core::hub_stream_name("main");
  auto consumer = nats::PullConsumer::create(**connection, pull);
  if (!consumer) throw std::runtime_error(to_string(consumer.error()));
  std::vector<Found> out;
  std::set<std::string> known;
  for (std::uint64_t left = (*consumer)->pending(); left > 0;) {
    const auto batch = (*consumer)->next(std::chrono::seconds(10));
    if (!batch || batch->empty()) throw std::runtime_error("the hub stream ends too early");
    for (const nats::Pulled& one : *batch) {
      left = one.pending;
      const auto event = codec::decode_event(one.message.payload());
      if (!event) throw std::runtime_error(to_string(event.error()));
      if (event->is_reserved() || !known.insert(one.message_id().value_or("")).second) continue;
      out.push_back(
          {event->id, std::string(core::lane_name(event->lane)), event->epoch.text(), event->seq});
    }
  }
  return out;
}

}  // namespace sluice::test
