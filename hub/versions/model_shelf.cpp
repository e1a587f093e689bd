// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/model_shelf.hpp"

#include <algorithm>

namespace sluice::hub {

std::vector<std::shared_ptr<ModelHost>> ModelShelf::hosts() const {
  const std::lock_guard lock(mutex_);
  return hosts_;
}

std::shared_ptr<ModelHost> ModelShelf::find(std::string_view model) const {
  const std::lock_guard lock(mutex_);
  for (const auto& host : hosts_)
    if (host->name() == model) return host;
  return nullptr;
}

ModelShelf::Versions ModelShelf::serving() const {
  Versions out;
  for (const auto& host : hosts()) out.push_back(host->serving());
  return out;
}

std::shared_ptr<ModelVersion> ModelShelf::serving(std::string_view model) const {
  const auto host = find(model);
  return host ? host->serving() : nullptr;
}

ModelShelf::Versions ModelShelf::open_versions() const {
  Versions out;
  for (const auto& host : hosts())
    for (auto& version : host->open_versions()) out.push_back(std::move(version));
  return out;
}

void ModelShelf::add(std::shared_ptr<ModelHost> host) {
  const std::lock_guard lock(mutex_);
  std::erase_if(away_, [&](const Away& one) { return one.model == host->name(); });
  hosts_.push_back(std::move(host));
}

std::vector<ModelShelf::Away> ModelShelf::away() const {
  const std::lock_guard lock(mutex_);
  return away_;
}

bool ModelShelf::set_away(const std::string& model, const std::string& why) {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(away_.begin(), away_.end(), [&](const Away& one) { return one.model == model; });
  if (known == away_.end()) {
    away_.push_back({model, why});
    return true;
  }
  if (known->why == why) return false;
  known->why = why;
  return true;
}

void ModelShelf::forget_away(std::string_view model) {
  const std::lock_guard lock(mutex_);
  std::erase_if(away_, [&](const Away& one) { return one.model == model; });
}

core::Error ModelShelf::missing(std::string_view model) const {
  const std::lock_guard lock(mutex_);
  for (const Away& one : away_)
    if (one.model == model)
      return core::fail(core::Errc::kUnavailable, "the model cannot be opened yet: " + one.why,
                        "model");
  std::string known;
  for (const auto& host : hosts_) known += (known.empty() ? "" : ", ") + host->name();
  return core::fail(core::Errc::kNotFound,
                    "no such model; there is " + (known.empty() ? "none yet" : known), "model");
}

}  // namespace sluice::hub
