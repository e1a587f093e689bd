// SPDX-License-Identifier: Apache-2.0
#include "hub/api/away_list.hpp"

namespace sluice::hub {
namespace {

core::json::object described(const std::string& model, const std::string& why) {
  return {{"model", model}, {"why", why}};
}

}  // namespace

AwayList::AwayList(const ModelShelf& models) {
  for (const ModelShelf::Away& one : models.away()) list_.push_back(described(one.model, one.why));
}

bool AwayList::take(const std::string& model, const core::Error& error) {
  if (error.code != core::Errc::kUnavailable) return false;
  list_.push_back(described(model, error.message));
  return true;
}

}  // namespace sluice::hub
