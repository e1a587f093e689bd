// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "hub/versions/model_host.hpp"

namespace sluice::hub {

// All models of the hub. What was opened stays while it lives; what cannot be opened yet is told
// with its reason. Any thread.
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

  void add(std::shared_ptr<ModelHost> host);  // it is no longer away

  // Models whose database cannot be used yet.
  struct Away {
    std::string model;
    std::string why;
  };
  std::vector<Away> away() const;
  bool set_away(const std::string& model, const std::string& why);  // false: that is known
  void forget_away(std::string_view model);
  // Why there is nothing of this name: kUnavailable while it is away, else kNotFound.
  core::Error missing(std::string_view model) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<ModelHost>> hosts_;
  std::vector<Away> away_;
};

}  // namespace sluice::hub
