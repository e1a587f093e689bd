// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sluice::nats {

// When this program was built, in ns since 1970: no true clock is before it.
std::int64_t built_at_ns();

// At which time this process checks how long certificates are valid: at `floor_ns` while the wall
// clock is before it, else by the clock. For a board without a battery, which wakes up in 1970 and
// would find every certificate not yet valid. Everything else of a certificate is checked as
// always. 0: by the clock, whatever it says. Not while another thread is in a TLS handshake.
// False: OpenSSL refused (out of memory), and nothing has changed.
bool set_certificate_time_floor(std::int64_t floor_ns);

}  // namespace sluice::nats
