// SPDX-License-Identifier: Apache-2.0
#include "hub/settings/reactor_files.hpp"

#include <filesystem>
#include <map>
#include <set>

namespace sluice::hub {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

Result<std::vector<std::shared_ptr<const projection::Reactor>>> load_reactors(
    const HubSettings& settings) {
  std::set<std::string> files;
  for (const std::string& path : settings.reactors) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      for (const auto& entry : fs::directory_iterator(path, error))
        if (entry.path().filename().string().ends_with(".reactor.toml"))
          files.insert(entry.path().string());
      if (error) return fail(Errc::kConfig, path + ": " + error.message(), "hub.reactors");
    } else if (fs::is_regular_file(path, error)) {
      files.insert(path);
    } else {
      return fail(Errc::kConfig, path + ": no such reactor file or folder", "hub.reactors");
    }
  }
  std::vector<std::shared_ptr<const projection::Reactor>> out;
  std::map<std::string, std::string> names;
  std::string errors;
  for (const std::string& file : files) {
    auto reactor = projection::Reactor::load(file);
    std::string problem = reactor ? "" : reactor.error().message;
    if (reactor)
      if (const auto [other, is_new] = names.emplace((*reactor)->name(), file); !is_new)
        problem = file + ": reactor " + (*reactor)->name() + " is also in " + other->second;
    if (problem.empty())
      out.push_back(std::move(*reactor));
    else
      errors += (errors.empty() ? "" : "\n") + problem;
  }
  if (!errors.empty()) return fail(Errc::kConfig, errors);
  return out;
}

}  // namespace sluice::hub
