// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/event.hpp"
#include "core/logger.hpp"
#include "projection/engine/engine.hpp"

// What the projection benchmarks have in common: the events, the model, and the engine's run.
namespace sluice::bench {

struct ProjectionPlan {
  std::size_t events = 0;
  std::size_t streams = 0;
  std::size_t gateways = 1;
  std::size_t batch = 0;
};

struct Message {
  std::string subject;
  std::string msg_id;
  std::string body;
};

// Each gateway's EpochOpened, then readings over the streams in a scattered order, as from many
// devices, the gateways taking turns.
std::vector<Message> make_messages(const ProjectionPlan& plan);
// In words, for the names of figures.
std::string projection_size(const ProjectionPlan& plan);

// For hand-written loops: decodes, checks the identity and the order as the gate would, and gives
// the event; its reading if it is one. Ends the program when something is wrong, where the engine
// skips a copy, holds what came early, and parks what cannot take effect.
class HandChecked {
 public:
  struct Reading {
    core::EventView event;
    double value = 0;
    bool is_reading = false;
  };
  struct Lane {
    std::string gateway;
    core::Epoch epoch;
    core::Lane lane = core::Lane::kTelemetry;
    core::Seq next = 1;
    bool went_on = false;
  };
  Reading read(const Message& message);
  // Each lane that went on since the last call: what a batch has to write.
  template <class Visit>
  void each_lane(Visit&& visit) {
    for (Lane* lane : went_on_) {
      visit(*lane);
      lane->went_on = false;
    }
    went_on_.clear();
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, Lane, Hash, std::equal_to<>> lanes_;  // as identities begin
  std::pair<const std::string, Lane>* last_ = nullptr;  // the lane of the event before
  std::vector<Lane*> went_on_;
};

// One table: count, sum, last, lowest and highest per machine.
extern const char* const kProjectionModel;

// An engine that begins anew in `place`. Ends the program when an event takes no effect.
class EngineRun {
 public:
  EngineRun(const std::shared_ptr<const projection::Model>& model, const projection::Place& place);
  void apply(std::span<const Message> messages);  // the next of the hub stream, one transaction

 private:
  core::SystemClock clock_;
  core::NullLogger log_;
  std::unique_ptr<projection::Engine> engine_;
  std::vector<projection::Incoming> batch_;
  std::uint64_t hub_seq_ = 0;
};

template <class Side>
void apply_all(Side& side, std::span<const Message> messages, std::size_t batch) {
  for (std::size_t at = 0; at < messages.size(); at += batch)
    side.apply(messages.subspan(at, std::min(batch, messages.size() - at)));
}

// Its events per second.
double run_engine(const ProjectionPlan& plan, const std::vector<Message>& messages,
                  const std::shared_ptr<const projection::Model>& model,
                  const projection::Place& place);

}  // namespace sluice::bench
