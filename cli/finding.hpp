// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "core/clock.hpp"
#include "core/json.hpp"

namespace sluice::cli {

// What one check of `sluice doctor` found.
struct Finding {
  enum class State { kOk, kWarning, kFailed, kSkipped };
  State state = State::kOk;
  std::string words;      // what was found, with its figures
  std::string next_step;  // empty if there is nothing to do
  core::json::object figures = {};
};

inline Finding found(std::string words) {
  return {Finding::State::kOk, std::move(words), {}};
}
inline Finding warn(std::string words, std::string next_step) {
  return {Finding::State::kWarning, std::move(words), std::move(next_step)};
}
inline Finding failed(std::string words, std::string next_step) {
  return {Finding::State::kFailed, std::move(words), std::move(next_step)};
}
inline Finding skipped(std::string words) {
  return {Finding::State::kSkipped, std::move(words), {}};
}

// One check. It may find several things, as one for each model; none counts as ok without words.
struct Check {
  std::string name;
  std::function<std::vector<Finding>()> run;
};

// Runs the checks in their order and prints each finding with the time that its check took. kOther
// if one failed; warnings are no failure.
ExitCode examine(Output& output, const core::Clock& clock, const std::vector<Check>& checks);

}  // namespace sluice::cli
