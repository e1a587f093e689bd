// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test {

// An operator with one account that may use JetStream: what nats-server needs to take users by
// signed JWTs (nsc makes the same), with fixed keys.
class JwtAuthority {
 public:
  JwtAuthority();
  std::string server_config() const;  // operator, resolver and the account
  // The text of a .creds file for a user of the account; `expires` in Unix seconds, 0: never.
  std::string creds(const std::string& user, std::int64_t expires) const;

 private:
  std::string operator_seed_, account_seed_;
};

}  // namespace sluice::test
