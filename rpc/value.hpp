// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace sluice::rpc {

struct ValueLimits {
  std::size_t bytes = 1u << 20;      // of the whole value
  std::uint32_t depth = 24;          // nested arrays and maps
  std::uint32_t nodes = 256 * 1024;  // values and keys
};

// One MessagePack value, as a view into bytes that were found well-formed before. Nothing is built
// or allocated, so no promise made in a header can cost memory. A question that does not fit the
// kind gives nullopt, or an absent Value, so that answers of a stranger can be read without fear.
class Value {
 public:
  enum class Kind { kAbsent, kNil, kBool, kInteger, kFloat, kText, kBytes, kArray, kMap, kExt };

  Value() = default;  // kAbsent
  // Checks that `encoded` is exactly one value within the limits. kBadRequest, kTooLarge.
  static core::Result<Value> parse(std::string_view encoded, const ValueLimits& limits = {});
  // For bytes that parse() or a FrameParser accepted; looks at the first value there.
  static Value trusted(std::string_view encoded);

  Kind kind() const;
  bool is_absent() const { return encoded_.empty(); }
  bool is_nil() const { return kind() == Kind::kNil; }
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;
  std::optional<std::uint64_t> unsigned_integer() const;  // not negative
  std::optional<double> number() const;                   // a float, or an integer as one
  std::optional<std::string_view> text() const;           // as sent: UTF-8 is not checked
  std::optional<std::string_view> bytes() const;
  std::uint32_t size() const;  // elements of an array, pairs of a map; 0 for anything else

  Value at(std::uint32_t index) const;     // of an array; linear
  Value find(std::string_view key) const;  // of a map with text keys; the first one; linear
  std::string_view encoded() const { return encoded_; }

 private:
  friend class Items;
  explicit Value(std::string_view encoded) : encoded_(encoded) {}
  std::string_view encoded_;
};

// Goes over an array's elements, or a map's keys and values in turn, once.
//     for (Items items(value); items.left() > 0;) { Value key = items.next(); ... }
class Items {
 public:
  explicit Items(Value container);
  std::uint64_t left() const { return left_; }
  Value next();  // absent at the end

 private:
  std::string_view rest_;
  std::uint64_t left_ = 0;
};

}  // namespace sluice::rpc
