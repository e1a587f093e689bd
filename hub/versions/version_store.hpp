// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "hub/versions/version_book.hpp"
#include "projection/value/place.hpp"

namespace sluice::hub {

// Where the versions of one model are kept, and which one others find under the model's own name.
// One thread at a time.
//
// In PostgreSQL several programs may change the versions (hub workers), and the database decides
// between them. enter() keeps the others out; should the session with it be lost, or stand still
// until it is ended, the next write finds that the book is not what was read, and fails.
class VersionStore {
 public:
  virtual ~VersionStore() = default;

  // kUnavailable: another program is changing the versions just now, or the database is away.
  virtual core::Result<void> enter() { return {}; }
  virtual void leave() {}
  // The book as it stands. kNotFound: there is none; kUnsupported: nobody else writes it.
  virtual core::Result<VersionBook> read() {
    return core::fail(core::Errc::kUnsupported, "nobody else writes the list of versions");
  }

  // What is true, whatever moment the program was killed at (reconcile()). kConfig: the model's
  // name is taken by something else.
  virtual core::Result<VersionBook> load(std::int64_t now_ns) = 0;
  // Durable on return. Of the serving version only serve() decides. kUnavailable, and nothing is
  // written: another program has written since load(), read() or the last write here.
  virtual core::Result<void> save(const VersionBook& book) = 0;
  // From now on no batch of anybody's gets into this version, until serve() or let_go(). Others
  // wait meanwhile, so be quick: 10 s at most. kUnavailable: somebody is at work in it.
  virtual core::Result<void> hold_still(const VersionId& /*id*/) { return {}; }
  virtual void let_go() {}
  // A version that was closed for good by serve() may be written again.
  virtual core::Result<void> reopen(const VersionId& /*id*/) { return {}; }
  // book.serving() becomes what readers of the model's name find: at once, for good, and durable on
  // return with all that its database holds. What hold_still() held is closed in the same instant:
  // who has not heard of it yet can write nothing there. On an error the one before serves on.
  // kBusy: readers of the model's name do not end their transactions; says whose. They are never
  // disturbed themselves.
  virtual core::Result<void> serve(const VersionBook& book) = 0;
  // Deletes the database, which nobody has open for writing. Not that of the serving version.
  // kBusy: somebody reads it.
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
