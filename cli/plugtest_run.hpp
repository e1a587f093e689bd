// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/output.hpp"
#include "core/result.hpp"

namespace sluice::cli {

struct PlugtestLoad {
  std::string collector;              // HOST:PORT
  std::string category = "plugtest";  // of the stream; decides the lane
  std::uint64_t rate = 50;            // events a second; what is due at once goes as one append
  std::uint64_t bytes = 200;          // of padding in each event
  std::chrono::nanoseconds time{0};   // then it ends; 0: until the plug is pulled
};

// The board's side: appends numbered events at a steady pace and sends each acknowledgement to the
// collector at once. An append without an answer is sent again with the same ids. A pace matters: a
// writer that is always inside a sync nearly always loses its power there, where nothing was
// promised yet. Ends with kUnavailable when gateway or collector go away for good.
core::Result<std::uint64_t> run_load(Output& output, const std::string& gateway,
                                     const PlugtestLoad& load);  // the events noted

}  // namespace sluice::cli
