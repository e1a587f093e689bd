// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "hub/settings/hub_settings.hpp"
#include "projection/model/model.hpp"

namespace sluice::hub {

// What a model file says now. A broken one names its model all the same, so that the version which
// is served can go on and tell what is wrong.
struct FoundDefinition {
  std::string model;
  std::string file;
  std::shared_ptr<const projection::Model> definition;  // null: `problem` says why
  std::string problem;  // "file:line:column: ...", a line per mistake
};

// All model files of the settings, each model once, by name. kConfig: a path that is not there, or
// no model file at all.
core::Result<std::vector<FoundDefinition>> find_definitions(const HubSettings& settings);

// The model that a text which may not even be TOML is meant for: what `model = "..."` says, else
// the file's name without ".model.toml".
std::string guess_model_name(std::string_view toml, const std::string& file);

}  // namespace sluice::hub
