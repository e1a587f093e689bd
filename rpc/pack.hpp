// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::rpc {

// Writes MessagePack values one after another, each in its shortest form. The caller sees to it
// that as many values follow a header as it promised.
//     Packer params;
//     params.array(2).text("telemetry").integer(42);
//     client.request("rewind", params.take(), ...);
class Packer {
 public:
  Packer& nil();
  Packer& boolean(bool value);
  Packer& integer(std::int64_t value);
  Packer& unsigned_integer(std::uint64_t value);
  Packer& float64(double value);
  Packer& text(std::string_view utf8);
  Packer& bytes(std::string_view bytes);
  Packer& array(std::size_t count);
  Packer& map(std::size_t pairs);
  Packer& raw(std::string_view encoded);  // a value that is MessagePack already

  const std::string& str() const { return out_; }
  std::string take() { return std::exchange(out_, {}); }

 private:
  void head(std::uint8_t tag, std::uint64_t value, int bytes);
  std::string out_;
};

}  // namespace sluice::rpc
