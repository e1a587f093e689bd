// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

namespace sluice::cli {

// Part of the interface of `sluice` (see `sluice --help`): scripts test for them, so none is ever
// renumbered.
enum class ExitCode : int {
  kOk = 0,
  kOther = 1,            // anything that has no number of its own
  kUsage = 2,            // the command line, or an event in it, is malformed
  kVersionConflict = 3,  // --expect was not met
  kIdConflict = 4,       // the event id is known with other content
  kLimit = 5,            // refused by a quota or a size limit
  kUnreachable = 6,      // the gateway, hub or NATS server does not answer
  kConfig = 78,          // a configuration or model file is wrong (EX_CONFIG)
};

ExitCode exit_code(core::Errc code);

// For a run of many events: the answer that needs attention most. From worst: unreachable, other,
// configuration, limit, id conflict, version conflict, usage, ok.
ExitCode worse(ExitCode a, ExitCode b);

}  // namespace sluice::cli
