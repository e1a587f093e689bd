// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "projection/engine/marks.hpp"
#include "projection/model/definition.hpp"

namespace sluice::hub {

// Which rows of a model hang on an order of which its database keeps nothing, so that a copy made
// of the same events may differ although both are right. Pure.
class Certainty {
 public:
  // Of the marks nothing is kept.
  explicit Certainty(const projection::Marks& marks);

  // Empty: what differs in this table's rows of this gateway is wrong. Else why that cannot be
  // said.
  std::string doubt(const projection::Table& table, std::string_view gateway) const;
  // The same of a table whose rows have several gateways.
  std::string doubt(const projection::Table& table) const;

 private:
  struct Gateway {
    bool is_late = false;     // events of an older epoch took effect beside those of a newer one
    bool is_decided = false;  // so may parked events, which operators set free
    bool is_unknown_then = false;  // of such it is not kept which epoch was the newest
    bool is_unknown = false;  // what an older program built does not tell how epochs came between
  };
  std::map<std::string, Gateway, std::less<>> gateways_;
};

}  // namespace sluice::hub
