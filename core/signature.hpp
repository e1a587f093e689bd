// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

// Ed25519 (RFC 8032) over a digest, for what travels by hand: bundles and their receipts.
namespace sluice::core {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

// BLAKE2b-512 without a key (RFC 7693), fed in pieces.
class Digest {
 public:
  Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();
  void add(std::string_view bytes);
  std::string take();  // 64 bytes; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A secret key. Its text is the base64 of the 32-byte seed.
class SigningKey {
 public:
  static SigningKey generate();
  static Result<SigningKey> parse(std::string_view text);  // kConfig
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  std::string text() const;
  const PublicKey& public_key() const { return public_; }
  // Signs the text `purpose`, a zero byte, and the digest: a signature made for one purpose says
  // nothing for another.
  Signature sign(std::string_view purpose, std::string_view digest) const;

 private:
  explicit SigningKey(const std::array<std::uint8_t, 32>& seed);
  std::array<std::uint8_t, 64> secret_{};
  PublicKey public_{};
};

bool verify(const PublicKey& key, std::string_view purpose, std::string_view digest,
            const Signature& signature);

std::string key_text(const PublicKey& key);  // base64, 44 characters
Result<PublicKey> parse_public_key(std::string_view text);
// For people who compare keys over the phone: "3f28-a002-3a5e-7f68-4b2b-f882".
std::string fingerprint(const PublicKey& key);

}  // namespace sluice::core
