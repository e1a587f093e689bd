// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "projection/engine/engine.hpp"
#include "projection/gate/arrival.hpp"

// Messages as a gateway's uplink would publish them, for tests of the gate and the engine.
namespace sluice::test {

struct Message {
  std::string subject;
  std::string msg_id;
  std::string body;
  core::Seq seq = 0;
  core::Seq to = 0;
  bool aside = false;
  std::int64_t clock_ns = 0;
};

struct Made {
  std::string gateway = "plant-7";
  core::Epoch epoch{0xe1};
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq seq = 1;
  std::string category = "machine";
  std::string entity = "press";
  std::string type = "Reading";
  std::string json = "{\"value\": 1.5}";
  std::uint64_t version = 1;
  std::optional<std::int64_t> occurred_at_ns;
  std::int64_t wall_ns = 1'790'000'000'000'000'000;
};
Message message(const Made& made);

// One lane of one gateway in one epoch, without the gateway's rest.
class LaneMaker {
 public:
  LaneMaker(std::string gateway, std::uint64_t epoch, core::Lane lane = core::Lane::kTelemetry)
      : gateway_(std::move(gateway)), epoch_{epoch}, lane_(lane) {}

  Message opened(std::uint64_t previous, core::Seq last_seq) const;
  Message event(core::Seq seq, const std::string& json = "{\"value\": 1.0}") const;
  Message gap(core::Seq from, core::Seq to, core::GapReason reason = core::GapReason::kLost,
              std::optional<core::EpochOpened> opened = std::nullopt) const;
  projection::RowRef row() const { return {gateway_, epoch_, lane_}; }
  Made base(core::Seq seq) const;

 private:
  std::string gateway_;
  core::Epoch epoch_;
  core::Lane lane_;
};

// Numbers messages as a hub stream does and hands them to an engine.
class Feed {
 public:
  explicit Feed(std::string hub = "EVENTS-main") : hub_{std::move(hub), "2026-11-21T03:00:00Z"} {}

  void add(Message message) { messages_.push_back(std::move(message)); }
  // Applies what was added since, in batches of `size`; gives the sum.
  projection::BatchOutcome run(projection::Engine& engine, std::size_t size = 100);
  // One batch more from the engine's position on, as a reader takes it; nullopt: there is no more.
  // What lies before index `first` is not in the hub stream any longer.
  std::optional<core::Result<projection::BatchOutcome>> step(projection::Engine& engine,
                                                             std::size_t size,
                                                             std::size_t first = 0) const;
  const projection::HubStream& hub() const { return hub_; }
  std::size_t size() const { return messages_.size(); }
  projection::Incoming incoming(std::size_t index) const;
  void restart_at(std::size_t index) { done_ = index; }

 private:
  projection::HubStream hub_;
  std::vector<Message> messages_;
  std::size_t done_ = 0;
};

}  // namespace sluice::test
