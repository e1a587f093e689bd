// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

namespace sluice::cli {

// A build for gateways alone has no read models.
void add_model(Program&) {}

}  // namespace sluice::cli
