// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/event.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::test {

// Makes hub streams, and publishes events as an uplink would: well-formed bodies, exact subjects, a
// Nats-Msg-Id. Failures throw std::runtime_error.
class TestPublisher {
 public:
  explicit TestPublisher(const std::string& url);

  void make_hub_stream(const std::string& shard, const std::string& more_json = {});
  void delete_hub_stream(const std::string& shard);
  void make_report_bucket();
  std::uint64_t hub_last(const std::string& shard);
  std::string request(const std::string& subject, const std::string& payload);

  struct Lane {
    std::string shard = "main";
    std::string gateway = "plant-7";
    core::Epoch epoch{0x1111};
    core::Lane lane = core::Lane::kTelemetry;
  };
  // The hub-stream sequence of each. `data` is JSON.
  std::uint64_t epoch_opened(const Lane& lane, core::Seq seq, core::Epoch previous = {});
  std::uint64_t event(const Lane& lane, core::Seq seq, const std::string& type,
                      const std::string& data, const std::string& stream = "pump/1");
  std::uint64_t gap(const Lane& lane, core::Seq from, core::Seq to);
  // Anything at all.
  std::uint64_t publish(const std::string& subject, const std::string& body,
                        const std::string& msg_id);
  // Many events without waiting for each: {"k": seq % 10, "value": seq}, type "Measured".
  void events(const Lane& lane, core::Seq from, core::Seq to);

  nats::Connection& connection() { return *connection_; }

 private:
  std::string encode(const Lane& lane, core::Seq seq, const core::StreamName& stream,
                     std::uint64_t version, const std::string& type, const std::string& data);
  std::unique_ptr<nats::Connection> connection_;
};

}  // namespace sluice::test
