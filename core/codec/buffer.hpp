// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sluice::codec {

// What msgpack::packer writes to: appends to a string that the caller owns.
struct StringSink {
  std::string* out = nullptr;
  void write(const char* bytes, std::size_t size) { out->append(bytes, size); }
};

}  // namespace sluice::codec
