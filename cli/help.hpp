// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/program.hpp"

// The text of `--help`, laid out as a manual page. Pure but for what it reads from CLI11.
namespace sluice::cli {

// The page of one verb (with its own verbs, if it has any).
std::string verb_page(const CLI::App& verb, const Manual& manual, const CLI::App& program);
// The page of `sluice` itself.
std::string program_page(const CLI::App& program);

// `text` in lines of at most 80 columns, each after `indent` spaces.
std::string wrapped(const std::string& text, std::size_t indent);

}  // namespace sluice::cli
