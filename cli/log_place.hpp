// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "cli/program.hpp"

// Where the log lies that a verb works on without a running gateway.
namespace sluice::cli {

struct LogPlace {
  std::string state;                               // a state folder, or the log's own
  std::string config = "/etc/sluice/sluice.toml";  // names the state folder if `state` is empty

  // kNotFound: there is no such folder; kConfig: the configuration cannot be read.
  core::Result<std::filesystem::path> state_folder() const;
  core::Result<std::filesystem::path> log() const;
};

void add_log_place(CLI::App& verb, LogPlace& place);

}  // namespace sluice::cli
