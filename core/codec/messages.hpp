// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "core/result.hpp"

// The two messages between a gateway and the hub that are not events: the report and the need.
// Byte by byte in docs/event-format.md.
namespace sluice::codec {

// What a gateway says of itself in its one KV entry. Encoded it is at most 350 bytes.
struct Report {
  struct LaneState {
    core::Seq last = 0;   // newest seq in the log
    core::Seq acked = 0;  // contiguous acked cursor
  };
  std::string gateway;
  std::string machine;  // board serial or MAC, at most 48 bytes
  core::Epoch epoch;
  std::array<LaneState, core::kLaneCount> lanes;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::int64_t wall_ns = 0;  // the gateway's own clock when it wrote this
  bool clock_trusted = false;
  std::uint64_t started_ns_ago = 0;  // time since the running epoch began
  std::string program_version;       // at most 24 bytes
  std::string last_error;            // at most 96 bytes, empty if none
  bool stopped_as_clone = false;
  // Who publishes this gateway's events in its place: `sluice bundle import` takes the turn, and
  // keeps all else of the report as it found it.
  struct Turn {
    enum class State : std::uint8_t {
      kPublishing = 0,
      kDone = 1,
      kGivenWay = 2,  // the gateway's uplink has seen it, and stopped until it is done
    };
    std::string importer;  // at most 16 bytes, drawn for each run
    State state = State::kPublishing;
  };
  std::optional<Turn> turn;
};
std::string encode_report(const Report& report);  // cuts texts to their limits at a UTF-8 boundary
core::Result<Report> decode_report(std::string_view bytes);

// On need.<gateway> as well: "look at your report, it was changed". An array of one.
inline constexpr std::string_view kLook{"\x91\x02", 2};

// On need.<gateway> too: "look at your hub stream, it was made anew or cut back". An array of one.
inline constexpr std::string_view kHubChanged{"\x91\x03", 2};

// Asks a gateway for what the hub does not have.
struct Need {
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;
  core::Seq to = 0;
};
std::string encode_need(const Need& need);
core::Result<Need> decode_need(std::string_view bytes);

}  // namespace sluice::codec
