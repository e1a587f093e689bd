// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "cli/output.hpp"
#include "core/result.hpp"
#include "sync/nats/connection.hpp"
#include "sync/nats/pull_consumer.hpp"

namespace sluice::cli {

// Reads a shard's hub stream from its first message to what was its last when this began, in its
// order. `filter` narrows by subject, empty takes all. kUnavailable: it stopped before that end;
// an error of `each` ends it too.
core::Result<void> read_hub_stream(
    nats::Connection& connection, const std::string& shard, const std::string& filter,
    Progress& progress, const std::string& remark,
    const std::function<core::Result<void>(const nats::Pulled&)>& each);

}  // namespace sluice::cli
