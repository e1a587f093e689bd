// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hub/model_version.hpp"

namespace sluice::hub {

// One model with its versions. Any thread.
class ModelHost {
 public:
  explicit ModelHost(std::shared_ptr<ModelVersion> serving) : serving_(std::move(serving)) {}

  const std::string& name() const { return serving_->name(); }
  // What requests are answered from. Never null.
  std::shared_ptr<ModelVersion> serving() const {
    const std::lock_guard lock(mutex_);
    return serving_;
  }
  // The serving version, and the one that is being built if there is one.
  std::vector<std::shared_ptr<ModelVersion>> open_versions() const { return {serving()}; }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<ModelVersion> serving_;
};

}  // namespace sluice::hub
