// SPDX-License-Identifier: Apache-2.0
#include "core/hash.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/text.hpp"

namespace sluice::core {
namespace {

std::string hex(const ChainHash& hash) {
  return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

// RFC 3720 appendix B.4, and the check value of the CRC catalogue.
TEST(Crc32c, MeetsThePublishedVectors) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

TEST(Crc32c, DoesNotDependOnWhereTheBytesLie) {
  const std::string text = "the same bytes at every alignment";
  const std::uint32_t expected = crc32c(text);
  for (std::size_t shift = 0; shift < 16; ++shift) {
    const std::string moved = std::string(shift, '.') + text;
    EXPECT_EQ(crc32c(std::string_view(moved).substr(shift)), expected);
  }
}

TEST(Crc32c, SeesEverySingleFlippedBit) {
  std::string record(97, 'r');
  const std::uint32_t good = crc32c(record);
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(crc32c(record), good);
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
  }
}

// Computed with Python: hashlib.blake2b(previous + body, digest_size=32).
TEST(ChainHash, IsBlake2bOverTheHashBeforeAndTheBody) {
  const ChainHash first = chain_next(ChainHash{}, "abc");
  EXPECT_EQ(hex(first), "5db827e5e925e6b933a86596a0446c345c0d74d77f55a751ade5d7c7162eead8");
  EXPECT_EQ(hex(chain_next(first, "")),
            "8ffbc818497df9d611a4a8aba13769eeb99782b16bae44a08c6b5c5d0c11ad3a");
}

}  // namespace
}  // namespace sluice::core
