// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "core/result.hpp"
#include "projection/database/target.hpp"

namespace sluice::hub {

// How long exclusive locks may be waited for. PostgreSQL lets a session that waited for
// `deadlock_timeout` look whether it waits in a circle, and if so ends what *that* session does: a
// reader who waits for us must find, whenever it looks, that we no longer wait for it.
struct LockTimes {
  std::chrono::milliseconds each;  // for one lock
  std::chrono::milliseconds all;   // the statement with all its locks: half of deadlock_timeout
};
LockTimes lock_times(std::chrono::milliseconds deadlock_timeout);

// Within the transaction at hand, runs a statement of PostgreSQL that locks readers of `schema` out
// (DROP VIEW, LOCK TABLE), so that no reader is ever the victim of a deadlock with it: what cannot
// be locked soon is given up, and tried again after a pause in which readers get on, for up to 3 s.
// Name all relations in the one statement. What the transaction did before stays in any case.
// kBusy: readers did not let go; says who has what is wanted, as far as this login may see. Else as
// Target::exec().
core::Result<void> lock_out(projection::Target& target, const std::string& schema,
                            const std::string& statement);

}  // namespace sluice::hub
