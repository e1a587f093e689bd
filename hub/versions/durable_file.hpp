// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

// Files that a kill at any moment leaves whole: as they were, or as they are to be. Errors: kIo.
namespace sluice::hub {

// "cannot write /x/y: No space left on device"
core::Error os_error(const std::string& what, const std::filesystem::path& path, int number);

// What was written to it before is on the disk. Nothing if it is not there.
core::Result<void> sync(const std::filesystem::path& path);

// `make` makes a file or link under another name, which then takes the place of `path` at once.
core::Result<void> replace(
    const std::filesystem::path& path,
    const std::function<core::Result<void>(const std::filesystem::path& fresh)>& make);

// The same with a text. Durable on return.
core::Result<void> write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace sluice::hub
