// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "projection/engine/engine.hpp"
#include "projection/engine/marks.hpp"

namespace sluice::hub {

// Which messages of a hub stream took effect in a model, by its marks: what a replay need hand to
// an engine that retraces it. Pure; one thread.
class MarkFilter {
 public:
  explicit MarkFilter(const projection::Marks& marks);

  // False: the model has nothing of it, or it is a gap record, which the marks tell already. What
  // is no event is left to the engine, which refuses it.
  bool takes(const projection::Incoming& message);
  // The first message that was left out because the model is not that far yet; 0: none. Begin there
  // when the marks have moved on.
  std::uint64_t first_beyond() const { return first_beyond_; }

 private:
  const projection::Marks& marks_;
  std::set<std::string> applied_late_;  // identities that a retry applied
  std::uint64_t first_beyond_ = 0;
};

}  // namespace sluice::hub
