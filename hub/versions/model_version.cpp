// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/model_version.hpp"

namespace sluice::hub {

using core::Errc;
using core::Result;

namespace {

constexpr std::chrono::milliseconds kPatience{2'000};

core::Error no_answer(core::Error why, const std::string& model) {
  if (why.code != Errc::kLimit && why.code != Errc::kUnavailable && why.code != Errc::kBusy)
    return why;
  return core::fail(Errc::kUnavailable, "the database of model " + model + " does not answer (" +
                                            why.message +
                                            "): `sluice model list` tells how it is; ask again");
}

}  // namespace

ModelVersion::ModelVersion(std::string label, std::shared_ptr<const projection::Model> definition,
                           projection::Place place, VersionId id,
                           std::unique_ptr<projection::Engine> engine,
                           std::unique_ptr<QueryPool> query, const core::Clock& clock)
    : EngineHost(std::move(label), std::move(engine)),
      definition_(std::move(definition)),
      place_(std::move(place)),
      id_(id),
      query_(std::move(query)),
      state_([this](const auto& work) { with_engine(work); }, clock) {}

ModelVersion::~ModelVersion() {
  stop_feeds();
  join_feeds();
}

Result<std::shared_ptr<ModelVersion>> ModelVersion::open(
    std::shared_ptr<const projection::Model> definition, VersionId id,
    const projection::Place& place, const MakeFeeds& make_feeds, const core::Clock& clock,
    core::Logger& log, bool shared) {
  projection::EngineSettings settings;
  settings.report_changes = true;
  settings.exclusive = !shared;
  auto engine = projection::Engine::open(definition, place, clock, log, settings);
  if (!engine) return engine.error();
  auto query =
      QueryPool::open([definition, place] { return projection::Query::open(definition, place); });
  if (!query) return query.error();
  std::string label = definition->name() + " v" + id.text();
  std::shared_ptr<ModelVersion> out(new ModelVersion(std::move(label), std::move(definition), place,
                                                     id, std::move(*engine), std::move(*query),
                                                     clock));
  out->feeds_ = make_feeds(*out);
  return out;
}

Result<projection::ParkedEvent> ModelVersion::parked_event(const core::Identity& event) {
  auto found = query_->parked_event(event, kPatience);
  if (!found) return no_answer(found.error(), name());
  return found;
}

Result<projection::Query::Decided> ModelVersion::decided() {
  auto found = query_->decided(kPatience);
  if (!found) return no_answer(found.error(), name());
  return found;
}

void ModelVersion::start_feeds(ModelFeed::Pace pace) {
  for (const auto& feed : feeds_) feed->start(pace);
}

void ModelVersion::stop_feeds() {
  for (const auto& feed : feeds_) feed->stop();
}

void ModelVersion::join_feeds() {
  for (const auto& feed : feeds_) feed->join();
}

}  // namespace sluice::hub
