// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "hub/audit.hpp"
#include "hub/forks.hpp"
#include "hub/model_feed.hpp"
#include "hub/model_host.hpp"
#include "hub/need_desk.hpp"
#include "hub/report_keeper.hpp"
#include "hub/report_watch.hpp"

namespace sluice::hub {

// A model with what feeds it.
struct ServedModel {
  std::unique_ptr<ModelHost> host;
  std::vector<std::unique_ptr<ModelFeed>> feeds;  // one per shard; end before the host
};

// The answers of docs/hub-api.md. Every function may run on any thread, several at once, and may
// block for as long as SQLite does.
class Api {
 public:
  struct Parts {
    const std::vector<ServedModel>& models;
    const ReportKeeper& reports;
    const ReportWatch& watch;
    const NeedDesk& needs;
    Audit& audit;
    const core::Clock& clock;
    std::function<std::uint64_t()> http_requests;
  };
  explicit Api(Parts parts) : parts_(std::move(parts)) {}

  http::Response models() const;
  http::Response model(const http::Request& request) const;
  http::Response rows(const http::Request& request) const;
  http::Response gateways() const;
  http::Response holds() const;
  http::Response skip_hold(const http::Request& request) const;
  http::Response ready() const;
  http::Response metrics() const;

  static constexpr std::chrono::milliseconds kQueryDeadline{10'000};
  static constexpr std::size_t kLanesMax = 10'000;                           // in one answer
  static constexpr std::size_t kParkedMax = 100;                             // in one answer
  static constexpr std::size_t kBranchesMax = 1'000;                         // of one model
  static constexpr std::uint64_t kBranchesNs = 3'000'000'000;                // not read more often
  static constexpr std::int64_t kSilentAfterNs = 15LL * 60 * 1'000'000'000;  // three reports missed

 private:
  core::Result<core::json::object> describe(const ServedModel& model) const;
  core::json::object describe_feed(const ModelFeed& feed, bool blocked) const;
  core::Result<core::json::array> holds_of(const ServedModel& model) const;
  core::json::object describe_gateway(const ReportKeeper::Gateway& gateway,
                                      const std::vector<Fork>& forks, std::int64_t now_ns) const;
  // Of all models, at most a few seconds old: finding them reads the whole of each gate.
  std::vector<projection::Branch> branches() const;
  const ServedModel* find(std::string_view name) const;

  Parts parts_;
  mutable std::mutex branches_mutex_;
  mutable std::vector<projection::Branch> branches_;
  mutable std::uint64_t branches_ns_ = 0;  // when they were read; 0: never
};

// Where a feed stands now.
Progress progress_of(const FeedStatus& status, bool blocked, const core::Clock& clock);
// Seconds between now and when the hub stored what was read last; 0 when caught up.
double lag_seconds(const FeedStatus& status, const core::Clock& clock);
// Events in its log that the hub has not acknowledged.
std::uint64_t backlog_of(const codec::Report& report);

// Adds all routes. `work` runs a function on a thread that may block.
using Worker = std::function<void(std::function<void()>)>;
void add_api(http::Router& router, const std::shared_ptr<const Api>& api, const Worker& work);

}  // namespace sluice::hub
