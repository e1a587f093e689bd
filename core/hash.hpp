// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::core {

// CRC-32C (Castagnoli) of a record's body: finds damage to one record.
std::uint32_t crc32c(std::string_view bytes);

// A lane's hash chain: hash(n) = BLAKE2b-256(hash(n-1) || body(n)), hash(0) = 32 zero bytes.
// Either end can compute it from the bodies alone.
using ChainHash = std::array<std::uint8_t, 32>;
ChainHash chain_next(const ChainHash& previous, std::string_view body);

// HMAC-SHA-256 (RFC 2104), 32 bytes: what webhooks are signed with. A key of any length.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace sluice::core
