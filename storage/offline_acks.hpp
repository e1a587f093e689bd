// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "core/result.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

// Notes what the hub has (as EventLog::record_acks) in a log that no program writes: under the
// writer's lock, and without opening an epoch. Durable on return. Anchors at or below the cursor
// are ignored. kBusy: somebody writes this log; kBadRequest: an anchor for what it does not have;
// kUnavailable: only its own start can write it now.
core::Result<void> record_acks_offline(const std::filesystem::path& folder, core::Lane lane,
                                       const std::vector<Anchor>& anchors);

}  // namespace sluice::storage
