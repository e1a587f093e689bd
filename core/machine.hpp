// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace sluice::core {

// Which machine this is, by what is not copied with its card: the board's serial number (device
// tree, then DMI), else the lowest MAC address of a physical network card; "unknown" if all are
// missing. At most 48 bytes. `root` is "/" outside tests.
std::string machine_identity(const std::filesystem::path& root = "/");

}  // namespace sluice::core
