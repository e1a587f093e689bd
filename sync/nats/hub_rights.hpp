// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace sluice::nats {

// What a login may do at NATS: subjects, as the server's configuration takes them.
struct Rights {
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
};

// What sluice-hub needs and no more (docs/security.md). `hub` is its [hub] name; `workers`: it
// shares its shards with others of that name. Pure.
Rights hub_rights(const std::string& hub, const std::vector<std::string>& shards, bool workers);

// As a block of the server's configuration: "permissions: { ... }".
std::string permissions_text(const Rights& rights);

}  // namespace sluice::nats
