// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "hub/model_host.hpp"

namespace sluice::hub {

// All models of the hub. Models are added, never taken away while it lives. Any thread.
class ModelShelf {
 public:
  using Versions = std::vector<std::shared_ptr<ModelVersion>>;

  std::vector<std::shared_ptr<ModelHost>> hosts() const;
  std::shared_ptr<ModelHost> find(std::string_view model) const;  // null: no such model

  // What requests are answered from, one of each model, as of now: keep it for one request only.
  Versions serving() const;
  std::shared_ptr<ModelVersion> serving(std::string_view model) const;  // null: no such model
  // These, and the ones that are being built: all that read hub streams and may wait for events.
  Versions open_versions() const;

  void add(std::shared_ptr<ModelHost> host);

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ModelHost>> hosts_;
};

}  // namespace sluice::hub
