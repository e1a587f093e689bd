// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random.hpp"
#include "tests/projection/events.hpp"

namespace sluice::projection {

// A model that uses every operation of the language, with values of every type.
extern const char* const kEqualModel;

// What a hub stream holds of several lanes, all for that model: interleaved, with duplicates and
// re-sends, lost tails and gap records. A few events are outside the value domain.
test::Feed equality_wire(core::Random& random);

}  // namespace sluice::projection
