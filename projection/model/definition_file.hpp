// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::projection {

// The text of a file that defines something; `what` it is, for the error's words. kConfig: it
// cannot be read, is larger than 1 MiB, or is no plain file (a pipe would be waited for without
// end).
core::Result<std::string> read_definition_file(const std::string& path, std::string_view what);

}  // namespace sluice::projection
