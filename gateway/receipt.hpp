// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "storage/log_settings.hpp"
#include "storage/types.hpp"

namespace sluice::gateway {

// What a client is told of its append, and what that means (docs/protocol.md, "What an answer
// means").
struct Receipt {
  storage::AckMode ack = storage::AckMode::kDisk;
  std::vector<storage::Appended> events;  // with kMemory only lane and id are known yet
};

}  // namespace sluice::gateway
