// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "tests/lab/replay/disk_model.hpp"
#include "tests/lab/replay/image_folder.hpp"
#include "tests/lab/replay/lane_driver.hpp"
#include "tests/lab/replay/recorder.hpp"

namespace sluice::lab {

// What a scenario works with. The same seed gives the same run.
struct Stage {
  LaneDriver& lane;
  core::SeededRandom random;
  Recorder& recorder;
  std::filesystem::path folder;
  core::Seq last() const { return lane.state().last; }

  void open();                         // a failure ends the program: the scenario is broken
  void append(std::size_t commits);    // each of one to three appends of one to four events
  void append_big(std::size_t bytes);  // one event, committed
  void check(const core::Result<void>& done) const;

 private:
  storage::AppendRequest some_events();
};

struct Scenario {
  std::string name;
  std::uint64_t segment_events = 1000;
  int checkpoint_pages = 1000;  // SQLite's wal_autocheckpoint in this scenario
  void (*play)(Stage&) = nullptr;
};
const std::vector<Scenario>& scenarios();

// What happened on the disk while a scenario played, and what was promised meanwhile.
struct Recording {
  const Scenario* scenario = nullptr;
  std::uint64_t seed = 0;
  storage::LogSettings settings;
  std::deque<DiskOp> ops;
  Ledger ledger;
};
// `folder` is emptied first.
Recording record(const Scenario& scenario, std::uint64_t seed, ImageFolder& folder);

}  // namespace sluice::lab
