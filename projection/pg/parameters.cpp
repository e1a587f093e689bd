// SPDX-License-Identifier: Apache-2.0
#include "projection/pg/parameters.hpp"

#include <bit>

namespace sluice::pg {

std::uint32_t array_of(Oid element) {
  switch (element) {
    case kBool:
      return 1000;
    case kBytea:
      return 1001;
    case kInt8:
      return 1016;
    case kFloat8:
      return 1022;
    default:
      return 1009;  // text[]
  }
}

void Parameters::clear() {
  buffer_.clear();
  items_.clear();
}

void Parameters::number(std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    buffer_ += static_cast<char>(value >> shift & 0xff);
}

void Parameters::add(std::uint64_t value, int bytes) {
  items_.push_back({buffer_.size(), bytes, true});
  number(value, bytes);
}

void Parameters::add_null() {
  items_.push_back({});
}
void Parameters::add_bool(bool value) {
  add(value ? 1 : 0, 1);
}
void Parameters::add_int2(std::int16_t value) {
  add(static_cast<std::uint16_t>(value), 2);
}
void Parameters::add_int4(std::int32_t value) {
  add(static_cast<std::uint32_t>(value), 4);
}
void Parameters::add_int8(std::int64_t value) {
  add(static_cast<std::uint64_t>(value), 8);
}
void Parameters::add_float4(float value) {
  add(std::bit_cast<std::uint32_t>(value), 4);
}
void Parameters::add_float8(double value) {
  add(std::bit_cast<std::uint64_t>(value), 8);
}
void Parameters::add_bytes(std::string_view value) {
  items_.push_back({buffer_.size(), static_cast<int>(value.size()), true});
  buffer_ += value;
}
void Parameters::add_literal(std::string_view value) {
  items_.push_back({buffer_.size(), static_cast<int>(value.size()), false});
  buffer_ += value;
  buffer_ += '\0';
}

void Parameters::open_array(Oid element, std::size_t count) {
  items_.push_back({buffer_.size(), 0, true});
  number(count == 0 ? 0 : 1, 4);  // dimensions
  number(1, 4);                   // there may be NULLs
  number(element, 4);
  if (count == 0) return;
  number(count, 4);
  number(1, 4);  // the first element's number
}
void Parameters::element_null() {
  number(0xffffffff, 4);
}
void Parameters::element_bool(bool value) {
  number(1, 4);
  number(value ? 1 : 0, 1);
}
void Parameters::element_int8(std::int64_t value) {
  number(8, 4);
  number(static_cast<std::uint64_t>(value), 8);
}
void Parameters::element_float8(double value) {
  number(8, 4);
  number(std::bit_cast<std::uint64_t>(value), 8);
}
void Parameters::element_bytes(std::string_view value) {
  number(value.size(), 4);
  buffer_ += value;
}
void Parameters::close_array() {
  items_.back().length = static_cast<int>(buffer_.size() - items_.back().offset);
}

}  // namespace sluice::pg
