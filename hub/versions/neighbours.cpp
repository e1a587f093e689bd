// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/neighbours.hpp"

namespace sluice::hub {

using core::Result;

Result<void> Neighbours::connect(const ModelVersion& version) {
  if (target_) return {};
  auto target = projection::Target::open(
      projection::Place::postgres(version.place().conninfo, version.name()),
      projection::Access::kRead);
  if (!target) return target.error();
  target_ = std::move(*target);
  return {};
}

Result<std::set<std::string>> Neighbours::look(const ModelVersion& version) {
  SLUICE_TRY(connect(version));
  if (!reader_ || schema_ != version.place().schema) {
    reader_.reset();
    last_.clear();
    schema_ = version.place().schema;
    auto reader = projection::StampReader::prepare(*target_, schema_);
    if (!reader) return reader.error();
    reader_ = std::move(*reader);
  }
  auto now = reader_->read();
  if (!now) return now.error();
  auto out = projection::changed_by_others(last_, *now, version.writer());
  last_ = std::move(*now);
  return out;
}

Result<std::string> Neighbours::book(const ModelVersion& version) {
  SLUICE_TRY(connect(version));
  return projection::query_text(*target_, "SELECT book FROM _sluice_versions");
}

}  // namespace sluice::hub
