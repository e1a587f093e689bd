// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "projection/database/target.hpp"

namespace sluice::test {

// What becomes of a call to a database.
enum class Fault {
  kNone,
  kFails,         // nothing was done, and the caller is told so
  kDoneButFails,  // done in truth, but the caller is told that it failed
};
// Asked before every call that reaches the database, in order. It may also end the process.
using FaultPlan = std::function<Fault()>;

// A target that does what `inner` does, but for the faults that the plan has for it.
std::unique_ptr<projection::Target> faulty_target(std::unique_ptr<projection::Target> inner,
                                                  FaultPlan plan);

}  // namespace sluice::test
