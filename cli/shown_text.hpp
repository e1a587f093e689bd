// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

// Text that a device, a gateway or a hub wrote, as one line of a terminal that looks like what it
// is. What steers a terminal, ends a line, turns the direction of writing or takes no room is
// written out, as <U+202E>: control characters (line breaks too), line separators, and Unicode's
// default ignorable code points, as the hub's page does. A byte that is no UTF-8 is <0x9B>. All
// else stays. Pure.
std::string shown(std::string_view text);

// A finished line of JSON, with DEL and the C1 controls (which JSON lets stand, and a terminal
// obeys) as \u009b: the same data.
std::string shown_json(std::string_view line);

}  // namespace sluice::cli
