// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/log_reader.hpp"

namespace sluice::cli {

// An event ForkSeen (docs/event-format.md), as a log retains it.
struct SeenFork {
  std::string kind, lane, words, to_do;
  std::int64_t wall_ns = 0;  // when it was recorded, by the gateway's clock
};

// All of a log, the newest first, at most `most`. What cannot be read is left out.
std::vector<SeenFork> seen_forks(storage::LogReader& log, std::size_t most = 8);

}  // namespace sluice::cli
