// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/result.hpp"
#include "projection/gate/gate.hpp"

namespace sluice::projection {

class Target;
struct HubStream;

// What an engine does with the events that its gate lets through, in place of a model's operations:
// a reactor's outbox. All calls come one at a time, in whatever thread the engine is used. What the
// sink writes into `target` within a batch becomes durable with the gate and the position, or not
// at all.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // Once, before anything else, in no transaction: makes its own tables if they are absent.
  virtual core::Result<void> open(Target& target) = 0;
  // In the batch's transaction, each event once for ever. The sink asks `where` itself. Not empty:
  // why the event cannot take effect; it parks. An error rolls the batch back.
  virtual core::Result<std::string> apply(const Applied& applied, const HubStream& hub) = 0;
  // How the batch ended.
  virtual void committed() = 0;
  virtual void rolled_back() = 0;
};

}  // namespace sluice::projection
