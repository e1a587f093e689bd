// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

// The built-in types that are read and written without a detour over text.
enum Oid : std::uint32_t {
  kBool = 16,
  kBytea = 17,
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kTextType = 25,
  kOidType = 26,
  kFloat4 = 700,
  kFloat8 = 701,
  kBpchar = 1042,
  kVarchar = 1043,
  kNumeric = 1700,
};
std::uint32_t array_of(Oid element);  // kBool, kBytea, kInt8, kTextType, kFloat8

// The parameters of one run of a statement, in PostgreSQL's binary form (big-endian), but for
// add_literal(), which the server reads as it reads a quoted literal. Values are copied.
class Parameters {
 public:
  void clear();
  void add_null();
  void add_bool(bool value);
  void add_int2(std::int16_t value);
  void add_int4(std::int32_t value);
  void add_int8(std::int64_t value);
  void add_float4(float value);
  void add_float8(double value);
  void add_bytes(std::string_view value);    // text and bytea have the same binary form
  void add_literal(std::string_view value);  // no U+0000 in it

  // One array as one parameter: open_array(), then a call per element, then close_array().
  void open_array(Oid element, std::size_t count);
  void element_null();
  void element_bool(bool value);
  void element_int8(std::int64_t value);
  void element_float8(double value);
  void element_bytes(std::string_view value);
  void close_array();

  std::size_t size() const { return items_.size(); }
  std::size_t bytes() const { return buffer_.size(); }
  bool is_null(std::size_t i) const { return items_[i].length < 0; }
  const char* data(std::size_t i) const { return buffer_.data() + items_[i].offset; }
  int length(std::size_t i) const { return items_[i].length < 0 ? 0 : items_[i].length; }
  bool is_binary(std::size_t i) const { return items_[i].binary; }

 private:
  struct Item {
    std::size_t offset = 0;
    int length = -1;
    bool binary = true;
  };
  void number(std::uint64_t value, int bytes);
  void add(std::uint64_t value, int bytes);
  std::string buffer_;
  std::vector<Item> items_;
};

}  // namespace sluice::pg
