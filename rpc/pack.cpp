// SPDX-License-Identifier: Apache-2.0
#include "rpc/pack.hpp"

#include <bit>

namespace sluice::rpc {

void Packer::head(std::uint8_t tag, std::uint64_t value, int bytes) {
  out_ += static_cast<char>(tag);
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out_ += static_cast<char>((value >> shift) & 0xff);
}

Packer& Packer::nil() {
  out_ += static_cast<char>(0xc0);
  return *this;
}

Packer& Packer::boolean(bool value) {
  out_ += static_cast<char>(value ? 0xc3 : 0xc2);
  return *this;
}

Packer& Packer::integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= -32) {
    head(static_cast<std::uint8_t>(bits & 0xff), 0, 0);
  } else if (value >= INT8_MIN) {
    head(0xd0, bits, 1);
  } else if (value >= INT16_MIN) {
    head(0xd1, bits, 2);
  } else if (value >= INT32_MIN) {
    head(0xd2, bits, 4);
  } else {
    head(0xd3, bits, 8);
  }
  return *this;
}

Packer& Packer::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) {
    head(static_cast<std::uint8_t>(value), 0, 0);
  } else if (value <= UINT8_MAX) {
    head(0xcc, value, 1);
  } else if (value <= UINT16_MAX) {
    head(0xcd, value, 2);
  } else if (value <= UINT32_MAX) {
    head(0xce, value, 4);
  } else {
    head(0xcf, value, 8);
  }
  return *this;
}

Packer& Packer::float64(double value) {
  head(0xcb, std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

Packer& Packer::text(std::string_view utf8) {
  const std::size_t size = utf8.size();
  if (size < 32) {
    head(static_cast<std::uint8_t>(0xa0 | size), 0, 0);
  } else if (size <= UINT8_MAX) {
    head(0xd9, size, 1);
  } else if (size <= UINT16_MAX) {
    head(0xda, size, 2);
  } else {
    head(0xdb, size, 4);
  }
  out_ += utf8;
  return *this;
}

Packer& Packer::bytes(std::string_view bytes) {
  const std::size_t size = bytes.size();
  if (size <= UINT8_MAX) {
    head(0xc4, size, 1);
  } else if (size <= UINT16_MAX) {
    head(0xc5, size, 2);
  } else {
    head(0xc6, size, 4);
  }
  out_ += bytes;
  return *this;
}

Packer& Packer::array(std::size_t count) {
  if (count < 16) {
    head(static_cast<std::uint8_t>(0x90 | count), 0, 0);
  } else if (count <= UINT16_MAX) {
    head(0xdc, count, 2);
  } else {
    head(0xdd, count, 4);
  }
  return *this;
}

Packer& Packer::map(std::size_t pairs) {
  if (pairs < 16) {
    head(static_cast<std::uint8_t>(0x80 | pairs), 0, 0);
  } else if (pairs <= UINT16_MAX) {
    head(0xde, pairs, 2);
  } else {
    head(0xdf, pairs, 4);
  }
  return *this;
}

Packer& Packer::raw(std::string_view encoded) {
  out_ += encoded;
  return *this;
}

}  // namespace sluice::rpc
