// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "hub/versions/model_version.hpp"
#include "projection/database/target.hpp"
#include "projection/engine/stamps.hpp"

namespace sluice::hub {

// What other workers do to a model, read from its database over a connection of its own. Two tiny
// statements a look; a NOTIFY in each batch would come sooner, but PostgreSQL lets no two commits
// that notify overlap, and it tells nobody who was away what they missed. One thread.
class Neighbours {
 public:
  // Tables of the version that others changed since the last look; at the first look at a version
  // all that they ever changed. kUnavailable: the database is away, look again.
  core::Result<std::set<std::string>> look(const ModelVersion& version);
  // The book of versions, as text.
  core::Result<std::string> book(const ModelVersion& version);

 private:
  core::Result<void> connect(const ModelVersion& version);

  std::unique_ptr<projection::Target> target_;     // stands where the views are
  std::string schema_;                             // of the version that is looked at
  std::optional<projection::StampReader> reader_;  // ends before the target
  std::vector<projection::Stamp> last_;
};

}  // namespace sluice::hub
