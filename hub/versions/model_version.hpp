// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/feed/engine_host.hpp"
#include "hub/feed/model_feed.hpp"
#include "hub/feed/state_board.hpp"
#include "hub/versions/query_pool.hpp"
#include "hub/versions/version_id.hpp"

namespace sluice::hub {

// One version of a model: its database with one engine, a reader beside it, and the feeds that fill
// it. Held by shared_ptr: who answers a request takes one and keeps it to the end of that request,
// so that an answer never mixes two versions. Any thread.
class ModelVersion final : public EngineHost {
 public:
  using Feeds = std::vector<std::unique_ptr<ModelFeed>>;
  // Makes the feeds, one per shard; none is started.
  using MakeFeeds = std::function<Feeds(EngineHost& host)>;

  // `shared`: other workers write the same database. Opens or makes the database. Errors as
  // Engine::open.
  static core::Result<std::shared_ptr<ModelVersion>> open(
      std::shared_ptr<const projection::Model> definition, VersionId id,
      const projection::Place& place, const MakeFeeds& make_feeds, const core::Clock& clock,
      core::Logger& log, bool shared);
  ~ModelVersion() override;  // ends the feeds

  const VersionId& id() const { return id_; }
  const std::shared_ptr<const projection::Model>& definition() const { return definition_; }
  const projection::Place& place() const { return place_; }
  const std::vector<projection::QueryTable>& tables() const { return query_->tables(); }
  // A few at once, beside the engine's writes. Errors as Query::run.
  core::Result<projection::QueryPage> run(const projection::QueryRequest& request,
                                          std::chrono::milliseconds deadline) {
    return query_->run(request, deadline);
  }
  // For an operator, who is not kept waiting by a database that is locked or away: kUnavailable
  // then.
  core::Result<projection::ParkedEvent> parked_event(const core::Identity& event);
  core::Result<projection::Query::Decided> decided();

  // What the engine's database says of itself, for those who must not wait for it.
  StateBoard& state() { return state_; }
  void after_batch(projection::Engine& engine) override { state_.read_if_asked(engine); }

  const Feeds& feeds() const { return feeds_; }
  void start_feeds(ModelFeed::Pace pace);
  void stop_feeds();  // asks them to end
  void join_feeds();  // waits: batches in work are finished

 private:
  ModelVersion(std::string label, std::shared_ptr<const projection::Model> definition,
               projection::Place place, VersionId id, std::unique_ptr<projection::Engine> engine,
               std::unique_ptr<QueryPool> query, const core::Clock& clock);

  const std::shared_ptr<const projection::Model> definition_;
  const projection::Place place_;
  const VersionId id_;
  const std::unique_ptr<QueryPool> query_;
  StateBoard state_;
  Feeds feeds_;  // end before the engine
};

}  // namespace sluice::hub
