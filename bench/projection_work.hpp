// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
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
  std::size_t gateways = 1;  // above 1: not for HandChecked, which knows one lane
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
// the event; its reading if it is one. Ends the program when something is wrong.
class HandChecked {
 public:
  struct Reading {
    core::EventView event;
    double value = 0;
    bool is_reading = false;
  };
  Reading read(const Message& message);
  core::Seq next() const { return next_; }

 private:
  core::Seq next_ = 1;
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
