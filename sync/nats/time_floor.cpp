// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/time_floor.hpp"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <ctime>
#include <memory>

namespace sluice::nats {

namespace {
std::atomic<bool> is_moved{false};
}  // namespace

std::int64_t built_at_ns() {
  return std::int64_t{SLUICE_BUILT_AT} * 1'000'000'000;
}

// nats.c 3.4.1 has no hook into the verification. OpenSSL takes what applies to the certificate of
// a server from the parameters of that name; ones of our own, equal but for the time, go before
// those that are built in.
bool set_certificate_time_floor(std::int64_t floor_ns) {
  const auto floor = static_cast<std::time_t>(floor_ns / 1'000'000'000);
  if (floor_ns == 0 || std::time(nullptr) >= floor) {
    // Other threads of a program that never asks for a floor may be in a handshake.
    if (is_moved.exchange(false)) X509_VERIFY_PARAM_table_cleanup();
    return true;
  }
  struct Free {
    void operator()(X509_VERIFY_PARAM* param) const { X509_VERIFY_PARAM_free(param); }
  };
  std::unique_ptr<X509_VERIFY_PARAM, Free> param(X509_VERIFY_PARAM_new());
  if (!param || X509_VERIFY_PARAM_set1_name(param.get(), "ssl_server") != 1 ||
      X509_VERIFY_PARAM_set_purpose(param.get(), X509_PURPOSE_SSL_SERVER) != 1 ||
      X509_VERIFY_PARAM_set_trust(param.get(), X509_TRUST_SSL_SERVER) != 1)
    return false;
  X509_VERIFY_PARAM_set_time(param.get(), floor);
  if (X509_VERIFY_PARAM_add0_table(param.get()) != 1) return false;
  (void)param.release();  // the table's now
  is_moved = true;
  return true;
}

}  // namespace sluice::nats
