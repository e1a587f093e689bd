// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"
#include "tests/system/installation.hpp"
#include "tests/system/load_client.hpp"

// Reads each end of an installation at its own place and compares. The checks share no code with
// what they check beyond the formats: the log by LogReader, the hub stream message by message, the
// read model by its HTTP API.
namespace sluice::test {

// The read model that the checks expect: one row per event key, counting its effects, and one per
// stream.
extern const char* const kChaosModel;

struct LogContent {
  std::map<core::Uuid, LoadClient::Position> load;  // events of category `load`
  std::map<std::string, std::uint64_t> identities;  // of all lanes -> 0
  std::vector<std::string> violations;              // holes, repeated ids, versions out of step
};
core::Result<LogContent> read_log(const std::filesystem::path& folder);

// Identity -> how many messages of the hub stream carry it.
core::Result<std::map<std::string, std::uint64_t>> read_hub_stream(const std::string& nats_url);

// Event key -> number of effects.
core::Result<std::map<std::string, std::int64_t>> read_model(const std::string& hub_url);

struct Verdict {
  std::uint64_t acknowledged = 0;
  std::uint64_t stored = 0;   // distinct identities in the hub stream
  std::uint64_t applied = 0;  // rows of the read model
  std::vector<std::string> violations;
};
// Waits until hub stream and read model hold what the log holds (or `limit` is over), then judges.
Verdict judge(Installation& site, const std::vector<const LoadClient*>& clients,
              std::chrono::milliseconds limit);

}  // namespace sluice::test
