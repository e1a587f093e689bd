// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::codec {

// What msgpack::packer writes to: appends to a string that the caller owns.
struct StringSink {
  std::string* out = nullptr;
  void write(const char* bytes, std::size_t size) { out->append(bytes, size); }
};

// A float64 as it is. packer::pack_double writes 1.0 as the integer 1, which is another value.
inline void append_float64(std::string& out, double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  out += '\xcb';
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift);
}

}  // namespace sluice::codec
