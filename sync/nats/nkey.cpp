// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/nkey.hpp"

#include <sodium.h>

#include <optional>
#include <vector>

namespace sluice::nats {

namespace {

constexpr std::uint8_t kPrefixSeed = 18 << 3;  // 'S'
constexpr std::uint8_t kPrefixUser = 20 << 3;  // 'U'
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string base32(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 5; held -= 5) out += kAlphabet[(bits >> (held - 5)) & 31];
  }
  if (held > 0) out += kAlphabet[(bits << (5 - held)) & 31];
  return out;
}

std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text) {
  std::vector<std::uint8_t> out;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5) | static_cast<std::uint32_t>(value);
    held += 5;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  return out;
}

// CRC-16/XMODEM: polynomial 0x1021, start 0.
std::uint16_t crc16(const std::uint8_t* bytes, std::size_t size) {
  std::uint16_t crc = 0;
  for (std::size_t i = 0; i < size; ++i) {
    crc = static_cast<std::uint16_t>(crc ^ (bytes[i] << 8));
    for (int bit = 0; bit < 8; ++bit) {
      const bool top = (crc & 0x8000) != 0;
      crc = static_cast<std::uint16_t>(crc << 1);
      if (top) crc ^= 0x1021;
    }
  }
  return crc;
}

std::string with_crc(std::vector<std::uint8_t> bytes) {
  const std::uint16_t crc = crc16(bytes.data(), bytes.size());
  bytes.push_back(static_cast<std::uint8_t>(crc & 0xff));
  bytes.push_back(static_cast<std::uint8_t>(crc >> 8));
  return base32(bytes);
}

}  // namespace

core::Result<std::string> nkey_public_from_seed(std::string_view seed) {
  const auto bad = [](const char* why) {
    return core::fail(core::Errc::kConfig, std::string("the NKey seed ") + why);
  };
  const auto bytes = from_base32(seed);
  if (!bytes || bytes->size() != 36) return bad("is not 58 characters of base32");
  const std::uint16_t crc = crc16(bytes->data(), 34);
  if ((*bytes)[34] != (crc & 0xff) || (*bytes)[35] != (crc >> 8))
    return bad("has a wrong checksum");
  // The prefix spreads over two bytes: 5 bits say seed, the next 8 say of what.
  const auto kind = static_cast<std::uint8_t>((((*bytes)[0] & 7) << 5) | ((*bytes)[1] >> 3));
  if (((*bytes)[0] & 0xf8) != kPrefixSeed || kind != kPrefixUser)
    return bad("is not a user's (SU...)");
  if (sodium_init() < 0) return core::fail(core::Errc::kInternal, "libsodium does not start");
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> open_key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_seed_keypair(open_key.data(), secret.data(), bytes->data() + 2);
  sodium_memzero(secret.data(), secret.size());
  std::vector<std::uint8_t> text{kPrefixUser};
  text.insert(text.end(), open_key.begin(), open_key.end());
  return with_crc(std::move(text));
}

std::string nkey_seed_text(const std::array<std::uint8_t, 32>& raw) {
  std::vector<std::uint8_t> text{static_cast<std::uint8_t>(kPrefixSeed | (kPrefixUser >> 5)),
                                 static_cast<std::uint8_t>((kPrefixUser & 31) << 3)};
  text.insert(text.end(), raw.begin(), raw.end());
  return with_crc(std::move(text));
}

}  // namespace sluice::nats
