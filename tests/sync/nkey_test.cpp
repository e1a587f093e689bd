// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/nkey.hpp"

#include <gtest/gtest.h>

namespace sluice::nats {
namespace {

TEST(NKey, SeedOfUserGivesItsPublicKey) {
  std::array<std::uint8_t, 32> raw{};
  raw.fill(7);
  const std::string seed = nkey_seed_text(raw);
  EXPECT_EQ(seed.size(), 58u);
  EXPECT_EQ(seed.substr(0, 2), "SU");
  const auto key = nkey_public_from_seed(seed);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->size(), 56u);
  EXPECT_EQ(key->front(), 'U');
}

TEST(NKey, DamagedOrForeignSeedIsRefused) {
  std::string seed = nkey_seed_text({});
  seed[20] = seed[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(nkey_public_from_seed(seed));
  EXPECT_FALSE(nkey_public_from_seed("SUA"));
  EXPECT_FALSE(nkey_public_from_seed("not base32 at all!"));
  EXPECT_FALSE(nkey_public_from_seed(*nkey_public_from_seed(nkey_seed_text({}))));
}

}  // namespace
}  // namespace sluice::nats
