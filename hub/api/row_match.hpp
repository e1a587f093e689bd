// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/result.hpp"
#include "projection/query/query.hpp"

namespace sluice::hub {

// The conditions of a query, held against a row in memory. The same answers as the database gives:
// a comparison with NULL is never true, text is compared byte by byte. Pure.
class RowMatch {
 public:
  // kBadRequest with the field, as Query::run.
  static core::Result<RowMatch> make(const projection::QueryTable& table,
                                     const std::vector<projection::QueryFilter>& filters);

  enum class Verdict {
    kIn,     // all conditions hold
    kOut,    // they do not; they may have held for the row before
    kNever,  // the key alone fails: no row of this key was ever in
  };
  // `cells`: all columns of the table in order, or the key alone of a row that is gone (kOut).
  Verdict verdict(const std::vector<projection::Cell>& cells) const;

 private:
  struct Condition {
    std::size_t column = 0;
    bool is_key = false;
    projection::QueryFilter::Op op = projection::QueryFilter::Op::kEq;
    std::vector<projection::Cell> values;
  };
  std::vector<Condition> conditions_;
};

}  // namespace sluice::hub
