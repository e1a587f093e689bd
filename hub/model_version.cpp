// SPDX-License-Identifier: Apache-2.0
#include "hub/model_version.hpp"

namespace sluice::hub {

using core::Result;

ModelVersion::ModelVersion(std::string label, VersionId id,
                           std::unique_ptr<projection::Engine> engine,
                           std::unique_ptr<QueryPool> query)
    : EngineHost(std::move(label), std::move(engine)), id_(id), query_(std::move(query)) {}

ModelVersion::~ModelVersion() {
  stop_feeds();
  join_feeds();
}

Result<std::shared_ptr<ModelVersion>> ModelVersion::open(
    std::shared_ptr<const projection::Model> model, VersionId id, const std::filesystem::path& file,
    const MakeFeeds& make_feeds, const core::Clock& clock, core::Logger& log) {
  std::string label = model->name() + " v" + id.text();
  projection::EngineSettings settings;
  settings.report_changes = true;
  auto engine = projection::Engine::open(model, file, clock, log, settings);
  if (!engine) return engine.error();
  auto query = QueryPool::open([model, file] { return projection::Query::open(model, file); });
  if (!query) return query.error();
  std::shared_ptr<ModelVersion> out(
      new ModelVersion(std::move(label), id, std::move(*engine), std::move(*query)));
  out->feeds_ = make_feeds(*out);
  return out;
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
