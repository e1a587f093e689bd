// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "hub/versions/version_id.hpp"

// Which versions of one model there are. Plain values: no files, no clock.
namespace sluice::hub {

enum class VersionState : std::uint8_t {
  kBuilding,   // filled for the first time, never served
  kServing,    // what readers find; at most one
  kKept,       // served once, not fed
  kReturning,  // kept, and fed again so that it can serve
};
std::string_view version_state_word(VersionState state);  // "building", ...

struct VersionRecord {
  VersionId id;
  VersionState state = VersionState::kBuilding;
  std::int64_t since_ns = 0;  // wall time of the last change of state
  std::string reason;         // why it is built, or returns, in an operator's words or the hub's
  bool accepted = false;      // may serve although it parks more than the serving one
  std::string obstacle = {};  // what the worker that decides sees in its way, for the others
  bool refused = false;       // for good
  bool operator==(const VersionRecord&) const = default;
};

struct VersionBook {
  std::vector<VersionRecord> versions;  // each id once
  // The highest version that a definition was ever taken of, also if it is gone: it is never taken
  // by itself again.
  std::int64_t taken = 0;
  // The version that served, if its database was gone when the program started; until one that was
  // built since serves.
  std::optional<VersionId> lost = {};

  VersionRecord* find(const VersionId& id);
  const VersionRecord* find(const VersionId& id) const;
  const VersionRecord* serving() const;
  const VersionRecord* coming() const;  // building or returning
  // The kept one that served last.
  const VersionRecord* previous() const;
  // A name that no version in the book has, for building `version`.
  VersionId next(std::int64_t version) const;

  // `id` becomes the serving version, the one that was becomes kept. Who serves already does so
  // since it did.
  void serve(const VersionId& id, std::int64_t now_ns);
  void set(const VersionId& id, VersionState state, std::int64_t now_ns, std::string reason);
  void remove(const VersionId& id);
  // Removes one that came to nothing, as if no definition had been taken for it.
  void forget(const VersionId& id);
  // Kept versions beyond the `keep` that served last.
  std::vector<VersionId> surplus(std::size_t keep) const;

  bool operator==(const VersionBook&) const = default;
};

// What is true after a crash between two writes: of the book as it was read, what readers find
// (`serving`), and the databases that are there. Readers are right in any doubt; a record without a
// database is dropped, forgotten if it was about to be built, and lost if it served. Without a book
// (`known` false; an older program) the newest database is taken as the serving one, the others as
// kept.
VersionBook reconcile(VersionBook book, bool known, const std::optional<VersionId>& serving,
                      const std::vector<VersionId>& there, std::int64_t now_ns);

// The book as one JSON document, and back. kCorrupt.
std::string write_book(const VersionBook& book);
core::Result<VersionBook> read_book(std::string_view text);

}  // namespace sluice::hub
