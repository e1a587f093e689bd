// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "cli/exit_code.hpp"
#include "cli/output.hpp"

namespace sluice::cli {

struct JsonlRun {
  std::string file;  // "-": standard input
  std::chrono::nanoseconds patience{};
  bool quiet = false;
};

// `sluice append --jsonl`: each line of a file is an event; see add_append's help.
ExitCode append_jsonl(Output& output, const std::string& gateway, const JsonlRun& run);

}  // namespace sluice::cli
