// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/feed/replay_source.hpp"
#include "hub/verify/row_watch.hpp"
#include "projection/engine/engine.hpp"
#include "projection/query/table_diff.hpp"

namespace sluice::hub {

struct VerifyRequest {
  std::shared_ptr<const projection::Model> model;
  projection::Place place;              // the database that is doubted; only read
  std::filesystem::path scratch;        // a folder for the copy that is built; files of others stay
  std::uint64_t sample = 0;             // about so many rows; 0: all
  std::uint64_t seed = 0;               // which rows a sample takes
  std::size_t list_max = 100;           // rows that are told one by one
  std::function<bool()> stopping = {};  // from any thread; then kUnavailable
  std::function<void(std::uint64_t)> progress = {};  // messages read so far
};

struct VerifyFinding {
  projection::RowDifference row;
  RowWatch::Finding event;  // looked for in the first kWatchedMax rows
  bool watched = false;
};
inline constexpr std::size_t kWatchedMax = 16;

struct VerifyReport {
  std::uint64_t rows = 0;               // compared
  std::uint64_t differences = 0;        // of these, rows that differ
  std::uint64_t messages = 0;           // read of the hub streams
  std::vector<VerifyFinding> findings;  // the first of them, by table and key
  // Of which rows nothing can be said, and why: one sentence each. The hub no longer has all of
  // their events, or they hang on an order of which nothing is kept (certainty.hpp).
  std::vector<std::string> unverifiable;
  std::vector<projection::Position> positions;  // where both sides stood
  bool good() const { return differences == 0 && compared(); }
  // False: all of its rows were left out, so that nothing is known of it.
  bool compared() const { return rows != 0 || unverifiable.empty(); }
};

// Builds the model anew from the hub streams in a scratch database, up to exactly the positions at
// which its own stands, and compares all rows in one snapshot of it. Beside the feeds, which go on;
// low on memory: the scratch database has a small cache, rows are compared page by page. Blocks for
// as long as a rebuild takes. Errors: kUnavailable: the hub or the database is away, or it was told
// to stop; those of the databases. Any thread, several at once.
core::Result<VerifyReport> verify(const VerifyRequest& request, ReplaySource& source,
                                  const core::Clock& clock, core::Logger& log);

}  // namespace sluice::hub
