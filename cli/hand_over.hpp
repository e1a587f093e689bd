// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/program.hpp"

namespace sluice::cli {

// Some verbs need read models' definitions and databases, and with them libraries that a gateway's
// board does without. They are in a program of their own, `sluice-model` (package sluice-hub), with
// the same grammar: this replaces the process by it, with the same arguments. Returns only if that
// program is not there, with what to install.
ExitCode hand_over(Program& program);

// Declares a verb of that program, as Program::verb(). Everything behind its name is the other
// program's to read, --help included.
CLI::App& add_handed_over(Program& program, const std::string& name, const std::string& one_line,
                          CLI::App* under = nullptr);

}  // namespace sluice::cli
