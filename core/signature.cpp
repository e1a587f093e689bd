// SPDX-License-Identifier: Apache-2.0
#include "core/signature.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace sluice::core {

namespace {

constexpr std::size_t kFingerprintBytes = 12;

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

void start_sodium() {
  static const bool ready = sodium_init() >= 0;
  SLUICE_ASSERT(ready);
}

std::string message_of(std::string_view purpose, std::string_view digest) {
  std::string out(purpose);
  out += '\0';
  out += digest;
  return out;
}

}  // namespace

struct Digest::State {
  crypto_generichash_state hash;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  start_sodium();
  crypto_generichash_init(&state_->hash, nullptr, 0, crypto_generichash_BYTES_MAX);
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::add(std::string_view bytes) {
  crypto_generichash_update(&state_->hash, data_of(bytes), bytes.size());
}

std::string Digest::take() {
  std::string out(crypto_generichash_BYTES_MAX, '\0');
  crypto_generichash_final(&state_->hash, reinterpret_cast<unsigned char*>(out.data()), out.size());
  return out;
}

SigningKey::SigningKey(const std::array<std::uint8_t, 32>& seed) {
  start_sodium();
  crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
}
SigningKey::SigningKey(SigningKey&& other) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&& other) noexcept = default;
SigningKey::~SigningKey() {
  sodium_memzero(secret_.data(), secret_.size());
}

SigningKey SigningKey::generate() {
  start_sodium();
  std::array<std::uint8_t, 32> seed{};
  randombytes_buf(seed.data(), seed.size());
  SigningKey key(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

Result<SigningKey> SigningKey::parse(std::string_view text) {
  const auto raw = from_base64(text);
  if (!raw || raw->size() != 32)
    return fail(Errc::kConfig, "this is no signing key: it must be one line of 44 characters");
  std::array<std::uint8_t, 32> seed{};
  std::memcpy(seed.data(), raw->data(), seed.size());
  SigningKey key(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

std::string SigningKey::text() const {
  std::string seed(32, '\0');
  crypto_sign_ed25519_sk_to_seed(reinterpret_cast<unsigned char*>(seed.data()), secret_.data());
  return to_base64(seed);
}

Signature SigningKey::sign(std::string_view purpose, std::string_view digest) const {
  const std::string message = message_of(purpose, digest);
  Signature out{};
  crypto_sign_detached(out.data(), nullptr, data_of(message), message.size(), secret_.data());
  return out;
}

bool verify(const PublicKey& key, std::string_view purpose, std::string_view digest,
            const Signature& signature) {
  start_sodium();
  const std::string message = message_of(purpose, digest);
  return crypto_sign_verify_detached(signature.data(), data_of(message), message.size(),
                                     key.data()) == 0;
}

std::string key_text(const PublicKey& key) {
  return to_base64({reinterpret_cast<const char*>(key.data()), key.size()});
}

Result<PublicKey> parse_public_key(std::string_view text) {
  const auto raw = from_base64(text);
  PublicKey key{};
  if (!raw || raw->size() != key.size())
    return fail(Errc::kConfig, "'" + printable(text) +
                                   "' is no public key: it must be 44 characters, as "
                                   "'sluice bundle key' prints them");
  std::memcpy(key.data(), raw->data(), key.size());
  return key;
}

std::string fingerprint(const PublicKey& key) {
  Digest digest;
  digest.add({reinterpret_cast<const char*>(key.data()), key.size()});
  const std::string hex = to_hex(digest.take().substr(0, kFingerprintBytes));
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 4) out += (i == 0 ? "" : "-") + hex.substr(i, 4);
  return out;
}

}  // namespace sluice::core
