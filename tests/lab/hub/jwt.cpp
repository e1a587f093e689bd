// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/hub/jwt.hpp"

#include <sodium.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <vector>

#include "sync/nats/nkey.hpp"

namespace sluice::test {
namespace {

using Seed = std::array<std::uint8_t, 32>;

// NKey prefixes: the first letter of a key's text.
constexpr std::uint8_t kOperator = 14 << 3, kAccount = 0, kUser = 20 << 3;

std::string base32(const std::vector<std::uint8_t>& bytes) {
  static const char* const kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) out += kAlphabet[bits >> (count - 5) & 31];
  }
  if (count > 0) out += kAlphabet[bits << (5 - count) & 31];
  return out;
}

std::string base64url(const std::string& text) {
  std::string out(sodium_base64_ENCODED_LEN(text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                  '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.resize(out.find('\0'));
  return out;
}

struct Key {
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  std::string name;  // its public text
};

Key key_of(std::uint8_t prefix, const std::string& seed) {
  Key key;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> open{};
  crypto_sign_seed_keypair(open.data(), key.secret.data(),
                           reinterpret_cast<const unsigned char*>(seed.data()));
  std::vector<std::uint8_t> bytes{prefix};
  bytes.insert(bytes.end(), open.begin(), open.end());
  std::uint16_t crc = 0;  // CRC-16/XMODEM, little endian
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ byte << 8);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<std::uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  bytes.push_back(static_cast<std::uint8_t>(crc));
  bytes.push_back(static_cast<std::uint8_t>(crc >> 8));
  key.name = base32(bytes);
  return key;
}

std::string signed_by(const Key& issuer, const std::string& claims) {
  const std::string text =
      base64url(R"({"typ":"JWT","alg":"ed25519-nkey"})") + "." + base64url(claims);
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       issuer.secret.data());
  return text + "." + base64url(signature);
}

std::string claims(const Key& issuer, const Key& subject, const std::string& name,
                   std::int64_t expires, const std::string& nats) {
  return R"({"jti":"LAB","iat":1700000000,)" +
         (expires > 0 ? "\"exp\":" + std::to_string(expires) + "," : std::string()) + "\"iss\":\"" +
         issuer.name + "\",\"name\":\"" + name + "\",\"sub\":\"" + subject.name + "\",\"nats\":{" +
         nats + ",\"version\":2}}";
}

std::string seed_for(const std::string& name) {
  std::string seed(crypto_sign_SEEDBYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(seed.data()), seed.size(),
                     reinterpret_cast<const unsigned char*>(name.data()), name.size(), nullptr, 0);
  return seed;
}

}  // namespace

JwtAuthority::JwtAuthority() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  operator_seed_ = seed_for("lab operator");
  account_seed_ = seed_for("lab account");
}

// JetStream wants a system account, which nobody logs in to.
std::string JwtAuthority::server_config() const {
  const Key root = key_of(kOperator, operator_seed_);
  const Key account = key_of(kAccount, account_seed_);
  const Key system = key_of(kAccount, seed_for("lab system"));
  const auto account_jwt = [&](const Key& key, const std::string& storage) {
    return signed_by(
        root, claims(root, key, "lab", 0,
                     R"("limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,)"
                     R"("wildcards":true,"conn":-1,"leaf":-1,"mem_storage":)" +
                         storage + R"(,"disk_storage":)" + storage + R"(,"streams":)" + storage +
                         R"(,"consumer":)" + storage + R"(},"type":"account")"));
  };
  return "operator: " + signed_by(root, claims(root, root, "lab", 0, R"("type":"operator")")) +
         "\nsystem_account: " + system.name + "\nresolver: MEMORY\nresolver_preload: {\n" +
         account.name + ": " + account_jwt(account, "-1") + "\n" + system.name + ": " +
         account_jwt(system, "0") + "\n}\n";
}

std::string JwtAuthority::creds(const std::string& user, std::int64_t expires) const {
  const std::string seed = seed_for("lab user " + user);
  const Key account = key_of(kAccount, account_seed_);
  const std::string jwt =
      signed_by(account, claims(account, key_of(kUser, seed), user, expires,
                                R"("pub":{},"sub":{},"subs":-1,"data":-1,"payload":-1,)"
                                R"("type":"user")"));
  Seed raw{};
  std::copy(seed.begin(), seed.end(), raw.begin());
  return "-----BEGIN NATS USER JWT-----\n" + jwt +
         "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n" +
         nats::nkey_seed_text(raw) + "\n------END USER NKEY SEED------\n";
}

}  // namespace sluice::test
