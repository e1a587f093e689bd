// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/json.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// What a state folder says of its gateway without any of its programs, in the form of sluiced's
// `status`. Opens the log without writing to it. kNotFound, kUnsupported, kCorrupt.
core::Result<core::json::value> status_of_folder(const std::string& state);

}  // namespace sluice::cli
