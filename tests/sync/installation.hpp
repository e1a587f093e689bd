// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/json.hpp"
#include "sync/nats/connection.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::sync {

// The hub stream and the report bucket, as sluice provision would make them.
struct HubWish {
  std::int64_t max_bytes = -1;
  std::int64_t duplicate_window_ms = 120'000;
};

// An operator at the hub.
class HubOperator {
 public:
  explicit HubOperator(const std::string& url);
  explicit HubOperator(nats::ConnectionOptions options);
  void make_streams(const HubWish& wish = {});
  void make_hub_stream(const HubWish& wish = {});  // the one of make_streams() that holds events
  void set_max_bytes(std::int64_t max_bytes);
  struct Stored {
    std::uint64_t hub_seq = 0;
    std::string identity;
    std::string body;
  };
  std::uint64_t last_seq();
  std::vector<Stored> all();  // of the hub stream, oldest first
  core::json::value ask(const std::string& api, const std::string& body = {});
  nats::Connection& connection() { return *connection_; }

 private:
  std::unique_ptr<nats::Connection> connection_;
};

// One gateway: sluiced and sluice-uplink as processes over one state folder.
class Installation {
 public:
  struct Options {
    std::string gateway = "plant-7";
    std::string identity = {};                  // further lines of [gateway]
    std::string uplink = {};                    // lines of [uplink]
    std::string sections = {};                  // whole sections, at the end
    std::vector<std::string> environment = {};  // of sluice-uplink
    std::vector<std::string> sluiced_environment = {};
    std::vector<std::string> uplink_prefix = {};  // a command that runs sluice-uplink
  };
  Installation(const std::string& url, Options options);
  explicit Installation(const std::string& url) : Installation(url, Options{}) {}

  void start_sluiced();
  void start_uplink();
  void start() {
    start_sluiced();
    start_uplink();
  }
  void configure(const std::string& url, const std::string& uplink);
  // Appends and waits for the answers; the events are in lane telemetry unless the category says.
  void append(std::size_t events, std::size_t data_bytes = 40);
  core::Seq acked(core::Lane lane = core::Lane::kTelemetry);
  core::Seq last(core::Lane lane = core::Lane::kTelemetry);
  core::Seq first(core::Lane lane = core::Lane::kTelemetry);  // that is retained
  bool drained();                                             // every lane
  std::string link(const std::string& key);                   // a text field of status' link
  std::filesystem::path state() const { return folder_ / "s"; }
  std::filesystem::path config() const { return folder_ / "gateway.toml"; }
  std::string logs() const;

  std::optional<test::Process> sluiced;
  std::optional<test::Process> uplink;

 private:
  std::string status();  // packed
  core::Seq lane_number(core::Lane lane, const char* key);
  Options options_;
  test::TempDir folder_;
};

// What a hub stream must look like: every seq of the lane once, in order, from `first` to `last`.
void expect_each_once(const std::vector<HubOperator::Stored>& stored, core::Lane lane,
                      core::Seq first, core::Seq last);
// As above, but in any order and perhaps more than once.
std::set<core::Seq> seqs_of(const std::vector<HubOperator::Stored>& stored, core::Lane lane);

}  // namespace sluice::sync
