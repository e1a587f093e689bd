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
#include "core/random.hpp"
#include "storage/lane_log.hpp"
#include "tests/lab/replay/ledger.hpp"

namespace sluice::lab {

inline constexpr const char* kGateway = "plant-7";

// Settings under which a few dozen events pass through all that a segment can live through.
storage::LogSettings small_settings(std::uint64_t segment_events);

// An event of `bytes` of data that only `number` decides, with the id that goes with the number.
storage::NewEvent make_event(const std::string& stream, std::uint64_t number, std::size_t bytes);

// One lane of the real log, without its threads: the writer's and the sealer's steps are done one
// after the other by the caller, so that the same seed gives the same file operations. What was
// asked and answered is written into the ledger.
class LaneDriver {
 public:
  // `now` gives the number of file operations so far.
  LaneDriver(std::filesystem::path folder, std::uint64_t seed, storage::LogSettings settings,
             Ledger& ledger, std::function<std::size_t()> now);

  core::Result<void> open();  // a new epoch, drawn from the seed
  void close();               // in peace: checkpoints
  void drop();                // as when the process dies

  // One group commit. An error means that the log stopped; refusals are in `refusals`.
  core::Result<void> commit(std::vector<storage::AppendRequest> requests);
  core::Result<void> commit(storage::LaneWork& work);
  std::vector<core::Error> refusals;  // of the last commit
  // Set where the disk may refuse: an ack is then remembered in memory until it can be written, and
  // a cut before that means that events are sent again.
  bool acks_may_lag = false;

  core::Result<void> ack(core::Seq acked, std::vector<storage::AppendRequest> with = {});
  core::Result<void> rewind(core::Seq acked);
  core::Result<void> set_aside(storage::SetAside range);
  // Seals what was finished since the last call. False: a segment could not be sealed.
  bool seal();
  core::Result<void> trim();
  core::Result<void> drop_oldest();  // a segment, acked or not, as for a quota

  storage::LaneState state() const { return lane_->state(); }
  core::Epoch epoch() const { return context_.epoch; }
  bool is_open() const { return lane_ != nullptr; }
  const Ledger& ledger() const { return ledger_; }
  core::ManualClock clock;

 private:
  core::SeededRandom random_;
  core::UuidV7 ids_{random_};
  std::unique_ptr<core::Logger> logger_;  // SLUICE_LAB_TALK lets the log's words be heard
  storage::LogContext context_;
  Ledger& ledger_;
  std::function<std::size_t()> now_;
  core::Seq acked_max_ = 0;  // of all acks so far
  std::vector<storage::SealJob> unsealed_;
  std::unique_ptr<storage::LaneLog> lane_;
};

}  // namespace sluice::lab
