// SPDX-License-Identifier: Apache-2.0
#include "hub/model_shelf.hpp"

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
  hosts_.push_back(std::move(host));
}

}  // namespace sluice::hub
