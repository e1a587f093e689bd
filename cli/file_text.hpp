// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace sluice::cli {

// All of a file, or of what a shell's `<(...)` gives. kNotFound: there is none; kIo: it cannot be
// read, because it is a folder, for example. Both name it.
core::Result<std::string> file_text(const std::filesystem::path& file);

}  // namespace sluice::cli
