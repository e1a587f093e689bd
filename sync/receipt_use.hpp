// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "storage/types.hpp"
#include "sync/bundle_receipt.hpp"
#include "sync/history.hpp"

// What receipts are worth to the log that they come back to. Pure.
namespace sluice::sync {

// Receipts of one lane, shard and hub stream that join are made one, whatever their order.
std::vector<Receipt> joined(std::vector<Receipt> receipts);

// True: the cursor moves to receipt.to. False: it is there already. kBadRequest: it would leave a
// hole above the cursor, or speaks of events that this log did not write.
core::Result<bool> advances(const Receipt& receipt, const storage::LaneState& state,
                            const History& history);

}  // namespace sluice::sync
