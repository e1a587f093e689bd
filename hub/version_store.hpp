// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "hub/version_book.hpp"
#include "projection/place.hpp"

namespace sluice::hub {

// Where the versions of one model are kept, and which one others find under the model's own name.
// One thread at a time.
class VersionStore {
 public:
  virtual ~VersionStore() = default;

  // What is true, whatever moment the program was killed at (reconcile()). kConfig: the model's
  // name is taken by something else.
  virtual core::Result<VersionBook> load(std::int64_t now_ns) = 0;
  // Durable on return. Of the serving version only serve() decides.
  virtual core::Result<void> save(const VersionBook& book) = 0;
  // book.serving() becomes what readers of the model's name find: at once, for good, and durable on
  // return with all that its database holds. On an error the one before serves on.
  virtual core::Result<void> serve(const VersionBook& book) = 0;
  // Deletes the database, which nobody has open for writing. Not that of the serving version.
  virtual core::Result<void> drop(const VersionId& id) = 0;

  virtual projection::Place place(const VersionId& id) const = 0;
  virtual std::uint64_t bytes(const VersionId& id) const = 0;  // on the disk; 0: not known
};

// A file `<state>/<model>-v3.db` for each version, `<model>.db` a symbolic link to the serving one,
// the book in `<model>.versions.json`.
std::unique_ptr<VersionStore> sqlite_versions(std::filesystem::path state, std::string model);

// A schema `<model>__v3` for each version; the schema `<model>` has views of the serving one's
// tables and views, swapped together with the book in one transaction.
std::unique_ptr<VersionStore> postgres_versions(std::string conninfo, std::string model);

}  // namespace sluice::hub
