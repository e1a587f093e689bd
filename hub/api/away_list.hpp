// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "core/json.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// Of an answer about all models: those that it cannot tell of, since their database does not
// answer. One model's database takes no other model with it. One thread.
class AwayList {
 public:
  explicit AwayList(const ModelShelf& models);
  // False: this error is not one to be told so, and is the answer.
  bool take(const std::string& model, const core::Error& error);
  core::json::array json() && { return std::move(list_); }

 private:
  core::json::array list_;
};

}  // namespace sluice::hub
