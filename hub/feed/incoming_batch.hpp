// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "projection/engine/engine.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::hub {

// Messages as a hub stream gave them, in the form that an engine takes: with what their headers
// say. Owns them; the views that it gives live as long as it does.
class IncomingBatch {
 public:
  IncomingBatch() = default;
  explicit IncomingBatch(std::vector<nats::Pulled> pulled);
  IncomingBatch(IncomingBatch&&) = default;
  IncomingBatch& operator=(IncomingBatch&&) = default;

  std::span<const projection::Incoming> messages() const { return messages_; }

 private:
  std::vector<nats::Pulled> pulled_;
  std::vector<std::string> ids_;
  std::vector<projection::Incoming> messages_;
};

}  // namespace sluice::hub
