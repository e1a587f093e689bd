// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// Where `read` and `tail` take events from: a running gateway, or the state folder of a dead one
// (opened without ever writing to it). Pages of at most a few hundred events.
class EventSource {
 public:
  virtual ~EventSource() = default;

  struct Page {
    std::vector<std::string> bodies;
    std::uint64_t next = 0;  // where the next page begins
  };
  // Empty bodies: the end.
  virtual core::Result<Page> stream(const core::StreamName& name, std::uint64_t from_version,
                                    std::size_t limit) = 0;
  virtual core::Result<Page> lane(core::Lane lane, core::Seq from, std::size_t limit) = 0;

  struct Bounds {
    core::Seq first = 0;
    core::Seq last = 0;  // first - 1: empty
  };
  virtual core::Result<Bounds> bounds(core::Lane lane) = 0;
};

// kUnavailable: no gateway there.
core::Result<std::unique_ptr<EventSource>> gateway_source(const std::string& gateway);
// `state`: a state folder (or the log's own folder in it). kNotFound, kUnsupported, kCorrupt.
core::Result<std::unique_ptr<EventSource>> folder_source(const std::string& state);

// The log's folder of a state folder; the log's folder itself is taken too.
std::filesystem::path log_folder(const std::string& state);

}  // namespace sluice::cli
