// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "projection/engine/engine.hpp"
#include "projection/engine/marks.hpp"

namespace sluice::hub {

// Which messages of a hub stream took effect in a model, by its marks: what a replay may take so
// that it ends where the model stands and not one event further. Pure; one thread.
class MarkFilter {
 public:
  explicit MarkFilter(const projection::Marks& marks);

  // The message as it is to be applied; nullopt: the model has nothing of it. A gap record that
  // reaches beyond the mark is cut there. The answer holds until the next call.
  std::optional<projection::Incoming> pass(const projection::Incoming& message);
  // The first message that was left out because the model is not that far yet; 0: none. Begin there
  // when the marks have moved on.
  std::uint64_t first_beyond() const { return first_beyond_; }

 private:
  std::optional<projection::Incoming> cut(const projection::Incoming& gap, core::Seq to);

  const projection::Marks& marks_;
  std::set<std::string> applied_late_;  // identities that a retry applied
  std::uint64_t first_beyond_ = 0;
  std::string body_;
  std::string id_;
};

}  // namespace sluice::hub
