// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "storage/event_log.hpp"

// A log that went back under the running program (a snapshot of a virtual machine): the hub has
// events of the running epoch that this log never wrote, or wrote and lost. Under that epoch's name
// nothing more can be sent. The program notes it and ends; its next start gives what the hub has
// not acknowledged new places in a new epoch, with the same ids.
namespace sluice::gateway {

struct WentBack {
  core::Epoch epoch;
  std::string words;  // how it was noticed
};

// Durable when it returns. `folder`: the log's.
core::Result<void> note_went_back(const std::filesystem::path& folder, const WentBack& what);
// What an earlier run noted and no start has carried out.
std::optional<WentBack> read_went_back(const std::filesystem::path& folder);
core::Result<void> forget_went_back(const std::filesystem::path& folder);

// Carries it out, before anybody else may use the log, which was opened with fresh_segments: of
// each lane the unacknowledged events of that epoch are set aside (reason lost) and appended again.
// Gives the number of events. Harmless if it is repeated after a crash in its middle. An error
// means that some have no new place yet.
core::Result<std::uint64_t> send_again(const std::filesystem::path& folder, const WentBack& what,
                                       storage::EventLog& log);

}  // namespace sluice::gateway
