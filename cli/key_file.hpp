// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "core/signature.hpp"

namespace sluice::cli {

// Reads a signing key's file. kNotFound: there is none; kConfig: it holds something else, or others
// may read it.
core::Result<core::SigningKey> load_key(const std::filesystem::path& file);
// Draws a key and stores it, durably and for its owner alone (mode 0600); the file belongs to whom
// its folder belongs to. Makes the folder if it is missing.
core::Result<core::SigningKey> make_key(const std::filesystem::path& file);

}  // namespace sluice::cli
