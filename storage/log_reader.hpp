// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/limits.hpp"
#include "storage/types.hpp"

namespace sluice::storage {

// Reads a log from any process, without ever writing to it: the uplink beside a running sluiced, or
// a tool on a dead gateway's card. Each call is one short read transaction, so that a checkpoint is
// never held up. One thread per object.
class LogReader {
 public:
  // `folder` as in EventLog::Options. kNotFound: no log there. kUnsupported: a newer format.
  static core::Result<std::unique_ptr<LogReader>> open(std::filesystem::path folder);
  virtual ~LogReader() = default;

  virtual const core::GatewayId& gateway() const = 0;

  // Events of a lane from `from` on, oldest first: at most `rows` and, after the first one, at most
  // `bytes` of bodies. Starts at the first retained seq if `from` is older (look at the first
  // record's seq). Empty at the end. Stops before a damaged row; if that is the first one,
  // kCorrupt, and Error::current is its seq.
  virtual core::Result<std::vector<Record>> read_lane(core::Lane lane, core::Seq from,
                                                      std::size_t rows = core::limits::kReaderRows,
                                                      std::size_t bytes = 1u << 20) = 0;

  // As EventLog::read_stream; scans the lane's newest segment, which has no index on disk.
  virtual core::Result<std::vector<Record>> read_stream(const core::StreamName& stream,
                                                        std::uint64_t from, std::size_t limit) = 0;

  virtual core::Result<LaneState> lane_state(core::Lane lane) = 0;
  virtual core::Result<std::vector<EpochInfo>> epochs(core::Lane lane) = 0;    // oldest first
  virtual core::Result<std::vector<Anchor>> anchors(core::Lane lane) = 0;      // oldest first
  virtual core::Result<std::vector<SetAside>> set_aside(core::Lane lane) = 0;  // oldest first
};

}  // namespace sluice::storage
