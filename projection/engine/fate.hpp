// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "projection/database/target.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// What became of one event in one model.
struct Fate {
  enum class Kind : std::uint8_t {
    kUnknown,      // nothing of its epoch was read
    kNotRead,      // its epoch is known, and neither it nor anything that proves it was read
    kHeld,         // it waits behind `hole_from` to `hole_to`
    kNotStored,    // it must wait, but the lane's share is full: it is read again later
    kApplied,      // it took effect, or its type has none here
    kParked,       // put aside: `why`
    kAbsent,       // given up by a gap record or an operator: `why`
    kSkipped,      // it was parked, and an operator gave it up: `why`
    kBeforeStart,  // history = available: the model began behind it
  };
  Kind kind = Kind::kUnknown;
  std::string why;
  std::string parked_kind;  // "poison", "behind", "late"
  core::Seq hole_from = 0;  // kHeld; 0: the epoch waits as a whole
  core::Seq hole_to = 0;
  core::Epoch predecessor;         // kHeld: what the epoch waits for, if it does
  std::int64_t since_ns = 0;       // kHeld, kParked: the hub's clock
  std::uint64_t near_hub_seq = 0;  // its epoch was first seen there; 0: not known
};
const char* fate_word(Fate::Kind kind);  // "unknown", "not read", "held", "applied" ...

// One snapshot of the database's gate. Errors as Target's.
core::Result<Fate> read_fate(Target& target, const RowRef& row, core::Seq seq);

}  // namespace sluice::projection
