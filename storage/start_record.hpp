// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "core/result.hpp"

// <folder>/starts: how many starts in a row did not live for a minute. Each start adds an epoch to
// what is kept for ever, so a crash loop has to slow down.
namespace sluice::storage {

inline constexpr std::chrono::seconds kLongLife{60};

// 0 if the file is missing or unreadable: a start must never fail because of it.
std::uint32_t read_short_lived(const std::filesystem::path& folder);
core::Result<void> write_short_lived(const std::filesystem::path& folder, std::uint32_t count);

}  // namespace sluice::storage
