// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"

namespace sluice::cli {

inline constexpr int kNotStarted = 127;  // as a shell says it

struct ProgramEnd {
  int code = 0;        // 128 + N if signal N ended it
  std::string output;  // stdout and stderr, without the last line's end; at most 64 KiB
};

// Runs a program to its end, its standard input empty. Blocking. kIo: no process could be made.
core::Result<ProgramEnd> run_program(const std::vector<std::string>& command);

// The program of that name beside this one, if there is one, else the bare name for PATH.
std::string program_beside(const std::string& name);

}  // namespace sluice::cli
