// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/result.hpp"
#include "rpc/blocking_client.hpp"

// The gateway's end: its ingest socket and the answers of its methods.
namespace sluice::cli {

// What --gateway names: the socket itself, or the folder that ingest.sock lies in.
std::filesystem::path ingest_socket(const std::string& gateway);

// kUnavailable says which socket, and how to see why nobody answers there.
core::Result<rpc::BlockingClient> connect_gateway(const std::string& gateway);

// Where an appended event lies. In a lane with ack = "memory" that is not known yet when it is
// answered: epoch, seq, version and duplicate are then missing.
struct Position {
  std::string gateway;
  std::string epoch;
  std::string lane;
  std::uint64_t seq = 0;
  std::string stream;
  std::uint64_t version = 0;
  std::string id;
  bool duplicate = false;
  std::string ack = "disk";  // what the answer means: "disk", "hub" or "memory"
  bool placed() const { return ack != "memory"; }
  // To ask a read model for the effect (--after); empty while it is not placed.
  std::string token() const;

  core::json::object to_json() const;
};
// The answer to an append of one event. kCorrupt: it is something else.
core::Result<Position> position_of(std::string_view append_result);

// An encoded answer (a tree of maps, arrays, numbers and text) as a JSON document.
core::Result<core::json::value> document_of(std::string_view encoded);

}  // namespace sluice::cli
