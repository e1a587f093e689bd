// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "core/result.hpp"
#include "projection/database/target.hpp"

// Which commit changed a table last: one row per hub stream and table in `_sluice_changed`, written
// in the transaction that changes the table's rows. A stamp is random, so it is never given twice:
// not by another process, and not again after a crash that took the last commits. Who finds the
// stamps as they were finds the rows as they were.
namespace sluice::projection {

struct Stamp {
  std::string hub_stream;  // empty: an operator's word
  std::string table;
  std::int64_t writer = 0;  // one engine in one life of its program
  std::int64_t value = 0;
  bool operator==(const Stamp&) const = default;
};

// One number for the rows of a table, or of all tables: another one after each commit that changed
// them. Pure.
std::uint64_t state_of(std::span<const Stamp> stamps, std::string_view table);
std::uint64_t state_of(std::span<const Stamp> stamps);

// Tables that anybody but `writer` has changed from one reading to the next, as far as that can be
// seen: who writes a hub stream after another must say itself that all may have changed. An
// operator's word counts as another's. Pure.
std::set<std::string> changed_by_others(std::span<const Stamp> before, std::span<const Stamp> now,
                                        std::int64_t writer);

class StampReader {
 public:
  // `schema`: of the version, if the target stands elsewhere.
  static core::Result<StampReader> prepare(Target& target, std::string_view schema = {});
  core::Result<std::vector<Stamp>> read();

 private:
  StatementPtr all_;
};

// Of one engine, within its transactions.
class StampWriter {
 public:
  static core::Result<StampWriter> prepare(Target& target);

  std::int64_t writer() const { return writer_; }
  void begin() { changed_.clear(); }  // a transaction
  void changed(const std::string& table) { changed_.insert(table); }
  // Before the commit.
  core::Result<void> write(std::string_view hub_stream);

 private:
  core::SystemRandom random_;
  std::int64_t writer_ = 0;
  std::set<std::string> changed_;  // in one order for all, so that no two wait for each other
  StatementPtr save_;
};

}  // namespace sluice::projection
