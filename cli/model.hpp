// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/program.hpp"

// The verbs of `sluice model`, one file each (model_<verb>.cpp).
namespace sluice::cli {

void add_model_check(Program& program, CLI::App& model);
void add_model_explain(Program& program, CLI::App& model);
void add_model_test(Program& program, CLI::App& model);
void add_model_versions(Program& program, CLI::App& model);  // list, rebuild, rollback, reload
void add_model_verify(Program& program, CLI::App& model);
void add_model_as_of(Program& program, CLI::App& model);
void add_model_diff(Program& program, CLI::App& model);

// Prints an error, line by line if it has several (a model file's), and gives the exit code.
ExitCode refuse_model(Program& program, const core::Error& error, const char* verb);

}  // namespace sluice::cli
