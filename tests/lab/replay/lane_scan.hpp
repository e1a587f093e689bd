// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"

namespace sluice::lab {

// A lane read from its files as docs/log-format.md says, by none of the log's own code.
struct LaneScan {
  core::Seq first = 0;
  core::Seq last = 0;
  std::map<core::Uuid, std::vector<core::Seq>> seqs;  // of each id
  std::map<core::Seq, core::Seq> set_aside;           // from -> to
  std::vector<std::string> problems;  // gaps, checksums, chain, versions, epochs: what is wrong
};

LaneScan scan_lane(const std::filesystem::path& lane_folder);

}  // namespace sluice::lab
