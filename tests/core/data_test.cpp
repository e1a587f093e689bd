// SPDX-License-Identifier: Apache-2.0
#include "core/codec/data.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/random.hpp"
#include "tests/core/bytes.hpp"

namespace sluice::codec {
namespace {

using core::Errc;
using test::bytes;
using test::hex;

std::string canonical(const std::string& in) {
  const auto out = canonical_data(in);
  return out ? hex(*out) : "refused: " + out.error().message;
}

Errc refusal(const std::string& in, const DataLimits& limits = {}) {
  const auto out = canonical_data(in, limits);
  EXPECT_FALSE(out) << hex(in) << " gave " << hex(*out);
  if (out) return Errc::kInternal;
  EXPECT_EQ(out.error().field, "data");
  return out.error().code;
}

TEST(CanonicalData, WritesEachValueInItsShortestForm) {
  EXPECT_EQ(canonical(bytes("c0")), "c0");
  EXPECT_EQ(canonical(bytes("c2")), "c2");
  EXPECT_EQ(canonical(bytes("c3")), "c3");
  EXPECT_EQ(canonical(bytes("cf0000000000000005")), "05");
  EXPECT_EQ(canonical(bytes("d305")), "refused: data ends in the middle of a value");
  EXPECT_EQ(canonical(bytes("d30000000000000005")), "05");
  EXPECT_EQ(canonical(bytes("d3ffffffffffffffff")), "ff");
  EXPECT_EQ(canonical(bytes("cfffffffffffffffff")), "cfffffffffffffffff");
  EXPECT_EQ(canonical(bytes("d38000000000000000")), "d38000000000000000");
  EXPECT_EQ(canonical(bytes("ca3fc00000")), "cb3ff8000000000000");
  EXPECT_EQ(canonical(bytes("cb8000000000000000")), "cb8000000000000000");  // -0.0
  EXPECT_EQ(canonical(bytes("db0000000161")), "a161");
  EXPECT_EQ(canonical(bytes("c6000000020102")), "c4020102");
  EXPECT_EQ(canonical(bytes("dd00000001c0")), "91c0");
  EXPECT_EQ(canonical(bytes("df00000001a161c0")), "81a161c0");
}

TEST(CanonicalData, IsItsOwnCanonicalForm) {
  const std::string once =
      *canonical_data(bytes("82a161d30000000000000005a16292ca3fc00000c5000101"));
  EXPECT_EQ(*canonical_data(once), once);
}

TEST(CanonicalData, TakesKeysAfterANestedMap) {
  // {"a": {"x": 1, "y": 2, "z": 3}, "b": 1}
  const std::string nested = bytes("82a16183a17801a17902a17a03a16201");
  EXPECT_EQ(canonical(nested), hex(nested));
  // {"a": [{"x": 1, "y": 2}], "b": {"x": {}}, "c": 1}
  const std::string deeper = bytes("83a1619182a17801a17902a16281a17880a16301");
  EXPECT_EQ(canonical(deeper), hex(deeper));
}

TEST(CanonicalData, KeepsTheOrderOfKeys) {
  EXPECT_EQ(canonical(bytes("82a16201a16102")), "82a16201a16102");
}

TEST(CanonicalData, RefusesRepeatedKeysAtAnyDepth) {
  EXPECT_EQ(refusal(bytes("82a16101a16102")), Errc::kBadRequest);
  EXPECT_EQ(refusal(bytes("81a16182a16201a16202")), Errc::kBadRequest);
  // The same key in another spelling of its header.
  EXPECT_EQ(refusal(bytes("82a16101d9016102")), Errc::kBadRequest);
  // In two different maps it is another key.
  EXPECT_TRUE(canonical_data(bytes("9281a1610181a16102")));
}

TEST(CanonicalData, RefusesKeysThatAreNotText) {
  for (const char* key :
       {"c0", "c3", "05", "ff", "cb3ff8000000000000", "c40161", "90", "80", "91c0"})
    EXPECT_EQ(refusal(bytes(std::string("81") + key + "01")), Errc::kBadRequest) << key;
}

TEST(CanonicalData, RefusesWhatHasNoPlaceInJson) {
  EXPECT_EQ(refusal(bytes("cb7ff8000000000000")), Errc::kBadRequest);  // NaN
  EXPECT_EQ(refusal(bytes("cb7ff0000000000000")), Errc::kBadRequest);  // infinity
  EXPECT_EQ(refusal(bytes("ca7f800000")), Errc::kBadRequest);
  EXPECT_EQ(refusal(bytes("d40001")), Errc::kBadRequest);              // extension
  EXPECT_EQ(refusal(bytes("d6ff00000000")), Errc::kBadRequest);        // timestamp extension
  EXPECT_EQ(refusal(bytes("c1")), Errc::kBadRequest);                  // never used
  EXPECT_EQ(refusal(bytes("a2c328")), Errc::kBadRequest);              // not UTF-8
  EXPECT_EQ(refusal(bytes("81a2c32801")), Errc::kBadRequest);          // nor as a key
  EXPECT_EQ(refusal(bytes("81a62462797465730a")), Errc::kBadRequest);  // {"$bytes": 10}
}

TEST(CanonicalData, RefusesEveryCutAndEveryTail) {
  const std::string value = bytes("82a16192c3c40401020304a162cb3ff8000000000000");
  ASSERT_TRUE(canonical_data(value));
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_EQ(refusal(value.substr(0, size)), Errc::kBadRequest) << size;
  EXPECT_EQ(refusal(value + bytes("c0")), Errc::kBadRequest);
}

TEST(CanonicalData, RefusesAPromiseOfFourBillionElements) {
  EXPECT_EQ(refusal(bytes("ddff000000")), Errc::kTooLarge);
  EXPECT_EQ(refusal(bytes("dfff000000")), Errc::kTooLarge);
  EXPECT_EQ(refusal(bytes("dbff000000")), Errc::kBadRequest);  // text: its bytes are not there
}

TEST(CanonicalData, RefusesADepthBomb) {
  EXPECT_TRUE(canonical_data(std::string(15, '\x91') + "\xc0"));
  EXPECT_TRUE(canonical_data(std::string(16, '\x91') + "\xc0"));
  EXPECT_EQ(refusal(std::string(17, '\x91') + "\xc0"), Errc::kTooLarge);
  EXPECT_EQ(refusal(std::string(1 << 18, '\x91')), Errc::kTooLarge);
  std::string maps;
  for (int i = 0; i < 17; ++i) maps += bytes("81a161");
  EXPECT_EQ(refusal(maps + "\xc0"), Errc::kTooLarge);
}

TEST(CanonicalData, CountsEveryValueAndKey) {
  DataLimits limits;
  limits.nodes = 4;
  EXPECT_TRUE(canonical_data(bytes("93c0c0c0"), limits));
  EXPECT_EQ(refusal(bytes("94c0c0c0c0"), limits), Errc::kTooLarge);
  EXPECT_TRUE(canonical_data(bytes("81a16101"), limits));
  EXPECT_EQ(refusal(bytes("82a16101a16201"), limits), Errc::kTooLarge);
  EXPECT_EQ(refusal(bytes("9291c091c0"), limits), Errc::kTooLarge);
}

TEST(CanonicalData, EndsAtTheByteLimit) {
  DataLimits limits;
  limits.bytes = 64;
  const auto text = [](std::size_t size) {
    return "\xd9" + std::string(1, static_cast<char>(size)) + std::string(size, 'x');
  };
  EXPECT_TRUE(canonical_data(text(62), limits));
  EXPECT_EQ(refusal(text(63), limits), Errc::kTooLarge);
  EXPECT_EQ(refusal(std::string(1000, '\xc0'), limits), Errc::kTooLarge);
}

TEST(ValueSize, MeasuresTheFirstValueOnly) {
  EXPECT_EQ(*value_size(bytes("82a16101a16202c0")), 7u);
  EXPECT_EQ(*value_size(bytes("c0c0")), 1u);
  EXPECT_FALSE(value_size(bytes("92c0")));
  EXPECT_FALSE(value_size(""));
  EXPECT_FALSE(value_size(bytes("c1")));
}

// Whatever bytes come in: refused, or accepted in a form that is accepted unchanged.
TEST(CanonicalData, HoldsForRandomBytes) {
  core::SeededRandom random(7);
  const std::string heads =
      bytes("80818283909192a0a1a2c0c2c3c4cacbcccdcecfd0d1d2d3d9dcdedfe0ff0105");
  std::size_t accepted = 0;
  for (int run = 0; run < 200'000; ++run) {
    std::string in;
    const std::size_t size = 1 + random.below(24);
    for (std::size_t i = 0; i < size; ++i)
      in += random.below(3) == 0 ? static_cast<char>(random.next())
                                 : heads[random.below(heads.size())];
    const auto out = canonical_data(in);
    const auto measured = value_size(in);
    if (!out) continue;
    ++accepted;
    ASSERT_TRUE(measured);
    ASSERT_EQ(*measured, in.size());
    const auto again = canonical_data(*out);
    ASSERT_TRUE(again) << hex(in);
    ASSERT_EQ(*again, *out) << hex(in);
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace sluice::codec
