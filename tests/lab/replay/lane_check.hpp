// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/log_settings.hpp"
#include "tests/lab/replay/ledger.hpp"

namespace sluice::lab {

// What became of a log after a fault.
struct Verdict {
  std::uint64_t acked = 0;            // events that had been acknowledged
  std::uint64_t lost = 0;             // of these, gone or changed
  std::uint64_t doubled = 0;          // ids that are there more than once
  std::uint64_t out_of_order = 0;     // acknowledged events that are found at another position
  bool reopened = true;               // opened by itself, and takes new events
  std::vector<std::string> problems;  // all of the above and every other broken promise, in words
  bool good() const { return problems.empty(); }
};

struct CheckOptions {
  storage::LogSettings settings;
  std::uint64_t seed = 0;  // of the new epoch and all that the check adds
  // After the check the log is left as if the process had died, instead of closed.
  bool die = false;
};

// Opens the lane in `folder` with the real log after a fault at `time`, as a device sees it and as
// the files say: every acknowledged event is retried (and must be answered with its old position),
// then every one that was under way (which may be there or not, but wholly), then new ones are
// appended. `after`, if given, gets what the check itself appended; its times come from `now`.
Verdict check_lane(
    const std::filesystem::path& folder, const Ledger& ledger, std::size_t time,
    const CheckOptions& options, Ledger* after = nullptr,
    const std::function<std::size_t()>& now = [] { return std::size_t{0}; });

}  // namespace sluice::lab
