// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "core/event.hpp"
#include "core/json.hpp"
#include "http/client.hpp"
#include "rpc/blocking_client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::gateway {

// A real sluiced with a folder of its own, and clients to it.
class SluicedTest : public ::testing::Test {
 protected:
  // `ingest`, `more`: lines for [ingest], and whole sections.
  void configure(const std::string& ingest = {}, const std::string& more = {});
  void start();  // and waits until it takes events
  void start_without_waiting();
  test::Finished run_to_end(std::chrono::milliseconds limit = std::chrono::seconds(20));
  bool ready();

  std::filesystem::path socket(const std::string& name) const {
    return folder_ / ("r/" + name + ".sock");
  }
  rpc::BlockingClient rpc(const std::string& name = "ingest");
  http::Client http() { return http::Client(*http::Endpoint::parse(socket("http").string())); }
  core::json::value status();
  // A session such as sluice-uplink's; epoch_ is what its hello was answered with.
  rpc::BlockingClient uplink();
  // Params of `acks`: the hub has all of the lane up to `acked`.
  std::string acks(core::Seq acked, const std::string& lane = "telemetry") const;

  test::TempDir folder_;
  std::filesystem::path config_;
  std::optional<test::Process> sluiced_;
  std::string epoch_;
};

// Params of `append` with one event.
std::string one_event(const std::string& stream, const std::string& type, std::int64_t data,
                      const std::string& id = {});
std::string no_params();
std::string one_map(const std::vector<std::pair<std::string, std::string>>& encoded_pairs);
std::string packed(std::string_view text);
std::string packed(std::uint64_t number);

}  // namespace sluice::gateway
