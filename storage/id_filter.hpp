// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace sluice::storage {

// A Bloom filter over the event ids of a sealed segment, 12 bits each and 8 probes: a new id reads
// no page of 99.7 % of the old segments. The smallest and the largest id are kept beside it, since
// UUIDv7 ascend and then not even the filter is looked at. Its bytes are part of the log's format.
class IdFilter {
 public:
  static IdFilter build(const std::vector<core::Uuid>& ids);
  // Bytes as bytes() gave them.
  static IdFilter load(std::string_view bits, const core::Uuid& smallest,
                       const core::Uuid& largest);

  bool may_hold(const core::Uuid& id) const;  // false: certainly not there
  const std::string& bytes() const { return bits_; }
  const core::Uuid& smallest() const { return smallest_; }
  const core::Uuid& largest() const { return largest_; }

 private:
  std::string bits_;
  core::Uuid smallest_;
  core::Uuid largest_;
};

}  // namespace sluice::storage
