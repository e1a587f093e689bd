// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

// NKeys as NATS writes them: base32 of prefix, 32 bytes and CRC-16, around Ed25519 keys.
namespace sluice::nats {

// The public key (U...) of a user seed (SU...). kConfig: not a user seed, or damaged.
core::Result<std::string> nkey_public_from_seed(std::string_view seed);

// The seed text of 32 raw bytes, for provisioning and tests.
std::string nkey_seed_text(const std::array<std::uint8_t, 32>& raw);

}  // namespace sluice::nats
