// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/event_source.hpp"
#include "cli/plugtest_verdict.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::cli {

// Lays each round beside what the log has of it.
core::Result<std::vector<RoundVerdict>> check_log(const PlugtestRecord& record,
                                                  EventSource& source);

// Reads the shard's whole hub stream and lays the rounds of `gateway` beside it.
core::Result<HubVerdict> check_hub(const PlugtestRecord& record, nats::Connection& connection,
                                   const std::string& shard);

}  // namespace sluice::cli
