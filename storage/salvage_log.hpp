// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "storage/damaged_files.hpp"

namespace sluice::storage {

// What a start does with damaged segments, on demand and for every segment: a start reads only the
// newest of each lane row by row. Takes the writer's lock. The ranges that are lost get their gap
// records, and an event tells of each segment, with the next start of sluiced.
//
// `dry_run`: counts, and leaves the folder as it is. `progress`: segments looked at, and of how
// many. kBusy: sluiced runs. kNotFound: no log there. kUnsupported: a newer format. kConfig:
// segments of different gateways. kLimit, kIo: no room for a new segment; what was done before is
// done.
core::Result<std::vector<SalvagedSegment>> salvage_log(
    const std::filesystem::path& folder, bool dry_run, core::Random& random,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress = {});

}  // namespace sluice::storage
