// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/need_tracker.hpp"
#include "projection/engine.hpp"
#include "projection/query.hpp"

namespace sluice::hub {

// One model with its database: one engine, which its feeds (a thread per shard) and the API take in
// turn, and one reader beside it. Any thread.
class ModelHost {
 public:
  // Opens or makes <state>/<database name>. Errors as Engine::open.
  static core::Result<std::unique_ptr<ModelHost>> open(
      std::shared_ptr<const projection::Model> model, const std::filesystem::path& state,
      const core::Clock& clock, core::Logger& log);

  const projection::Model& model() const { return *model_; }
  const std::string& name() const { return model_->name(); }

  // Runs `work(Engine&)` with nobody else in the engine.
  template <class Work>
  auto with_engine(const Work& work) {
    const std::lock_guard lock(engine_mutex_);
    return work(*engine_);
  }
  const std::vector<projection::QueryTable>& tables() const { return query_->tables(); }
  core::Result<projection::QueryPage> run(const projection::QueryRequest& request,
                                          std::chrono::milliseconds deadline);

  // What the model waits for, as far as `shard` brings it: a hole of a gateway that was last seen
  // on another shard is that one's. At most kHolesMax.
  struct Missing {
    std::vector<MissingRange> ranges;
    std::int64_t since_ns = 0;  // when the oldest of them began to hold events back
  };
  core::Result<Missing> missing(std::string_view shard);
  void saw_gateway(std::string_view gateway, std::string_view shard);
  static constexpr std::size_t kHolesMax = 1000;

 private:
  ModelHost(std::shared_ptr<const projection::Model> model,
            std::unique_ptr<projection::Engine> engine, std::unique_ptr<projection::Query> query)
      : model_(std::move(model)), engine_(std::move(engine)), query_(std::move(query)) {}

  std::shared_ptr<const projection::Model> model_;
  std::mutex engine_mutex_;
  std::unique_ptr<projection::Engine> engine_;
  std::mutex query_mutex_;
  std::unique_ptr<projection::Query> query_;
  std::mutex shards_mutex_;
  std::unordered_map<std::string, std::string> shard_of_;  // gateway -> shard
};

}  // namespace sluice::hub
