// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <sodium/core.h>
#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/crypto_generichash.h>

#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace sluice::core {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto kTable = make_table();

std::uint32_t crc32c_table(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 255];
  return ~crc;
}

// The processor's own instruction, an order of magnitude faster; asked for at run time, so that one
// build serves every processor.
#if defined(__x86_64__)
#define SLUICE_CRC_TARGET "sse4.2"
#define SLUICE_CRC_8(crc, word) static_cast<std::uint32_t>(_mm_crc32_u64(crc, word))
#define SLUICE_CRC_1(crc, byte) _mm_crc32_u8(crc, byte)
bool has_crc_instruction() {
  return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#define SLUICE_CRC_TARGET "+crc"
#define SLUICE_CRC_8(crc, word) __crc32cd(crc, word)
#define SLUICE_CRC_1(crc, byte) __crc32cb(crc, byte)
bool has_crc_instruction() {
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#endif

#if defined(SLUICE_CRC_TARGET)
__attribute__((target(SLUICE_CRC_TARGET))) std::uint32_t crc32c_instruction(
    std::string_view bytes) {
  std::uint32_t crc = ~0u;
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    crc = SLUICE_CRC_8(crc, word);
  }
  for (; left > 0; --left, ++p) crc = SLUICE_CRC_1(crc, static_cast<unsigned char>(*p));
  return ~crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
#if defined(SLUICE_CRC_TARGET)
  static const bool fast = has_crc_instruction();
  if (fast) return crc32c_instruction(bytes);
#endif
  return crc32c_table(bytes);
}

ChainHash chain_next(const ChainHash& previous, std::string_view body) {
  // Chooses the quickest BLAKE2b that this processor has; without it sodium uses the portable one.
  static const bool ready = sodium_init() >= 0;
  static_cast<void>(ready);
  ChainHash next{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, next.size());
  crypto_generichash_update(&state, previous.data(), previous.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(body.data()),
                            body.size());
  crypto_generichash_final(&state, next.data(), next.size());
  return next;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()),
                              key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()),
                                bytes.size());
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

}  // namespace sluice::core
