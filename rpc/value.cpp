// SPDX-License-Identifier: Apache-2.0
#include "rpc/value.hpp"

#include <bit>

#include "rpc/head.hpp"
#include "rpc/value_scanner.hpp"

namespace sluice::rpc {
namespace {

using Kind = Value::Kind;

std::uint64_t big_endian(std::string_view bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = (value << 8) | static_cast<unsigned char>(bytes[1 + i]);
  return value;
}

std::uint64_t sign_extended(std::uint64_t value, std::size_t bytes) {
  const std::size_t shift = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

// The forms whose first byte carries all there is to know.
Head fixed_head(unsigned tag) {
  Head head{Head::Status::kWhole, Kind::kAbsent, 1};
  if (tag < 0x80) {
    head.kind = Kind::kInteger;
    head.bits = tag;
  } else if (tag < 0x90) {
    head.kind = Kind::kMap;
    head.children = std::uint64_t{2} * (tag & 15);
  } else if (tag < 0xa0) {
    head.kind = Kind::kArray;
    head.children = tag & 15;
  } else if (tag < 0xc0) {
    head.kind = Kind::kText;
    head.payload = tag & 31;
  } else if (tag == 0xc0) {
    head.kind = Kind::kNil;
  } else if (tag == 0xc2 || tag == 0xc3) {
    head.kind = Kind::kBool;
    head.bits = tag & 1;
  } else {
    head.kind = Kind::kInteger;
    head.bits = sign_extended(tag, 1);
    head.negative = true;
  }
  return head;
}

// How many bytes of number follow the tags 0xc4 to 0xdf.
constexpr std::uint8_t kWidths[] = {1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2,
                                    4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};

Head sized_head(unsigned tag, std::string_view bytes) {
  const std::size_t width = kWidths[tag - 0xc4];
  if (bytes.size() < 1 + width) return {Head::Status::kTruncated};
  const std::uint64_t number = big_endian(bytes, width);
  Head head{Head::Status::kWhole, Kind::kAbsent, static_cast<std::uint32_t>(1 + width)};
  if (tag <= 0xc6) {
    head.kind = Kind::kBytes;
    head.payload = number;
  } else if (tag <= 0xc9) {
    head.kind = Kind::kExt;
    head.payload = number + 1;  // and the ext's type
  } else if (tag <= 0xcb) {
    head.kind = Kind::kFloat;
    head.bits = number;
    head.float32 = tag == 0xca;
  } else if (tag <= 0xcf) {
    head.kind = Kind::kInteger;
    head.bits = number;
  } else if (tag <= 0xd3) {
    head.kind = Kind::kInteger;
    head.bits = sign_extended(number, width);
    head.negative = static_cast<std::int64_t>(head.bits) < 0;
  } else if (tag <= 0xd8) {
    head.kind = Kind::kExt;
    head.payload = (std::uint64_t{1} << (tag - 0xd4)) + 1;
  } else if (tag <= 0xdb) {
    head.kind = Kind::kText;
    head.payload = number;
  } else if (tag <= 0xdd) {
    head.kind = Kind::kArray;
    head.children = number;
  } else {
    head.kind = Kind::kMap;
    head.children = 2 * number;
  }
  return head;
}

// The first whole value of bytes known to be well-formed.
std::string_view first_value(std::string_view bytes) {
  std::size_t used = 0;
  for (std::uint64_t left = 1; left > 0 && used < bytes.size(); --left) {
    const Head head = read_head(bytes.substr(used));
    used += head.bytes + head.payload;
    left += head.children;
  }
  return bytes.substr(0, used);
}

}  // namespace

Head read_head(std::string_view bytes) {
  if (bytes.empty()) return {Head::Status::kTruncated};
  const auto tag = static_cast<unsigned char>(bytes[0]);
  if (tag == 0xc1) return {Head::Status::kInvalid};
  if (tag < 0xc4 || tag >= 0xe0) return fixed_head(tag);
  return sized_head(tag, bytes);
}

core::Result<Value> Value::parse(std::string_view encoded, const ValueLimits& limits) {
  ValueScanner scanner(limits);
  const auto whole = scanner.scan(encoded);
  if (!whole) return whole.error();
  if (!*whole) return core::fail(core::Errc::kBadRequest, "ends in the middle of a value");
  if (scanner.size() != encoded.size())
    return core::fail(core::Errc::kBadRequest, "has bytes after its value");
  return Value(encoded);
}

Value Value::trusted(std::string_view encoded) {
  return Value(first_value(encoded));
}

Kind Value::kind() const {
  return encoded_.empty() ? Kind::kAbsent : read_head(encoded_).kind;
}

std::optional<bool> Value::boolean() const {
  if (kind() != Kind::kBool) return std::nullopt;
  return read_head(encoded_).bits != 0;
}

std::optional<std::int64_t> Value::integer() const {
  const Head head = read_head(encoded_);
  if (head.kind != Kind::kInteger || (!head.negative && head.bits > INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(head.bits);
}

std::optional<std::uint64_t> Value::unsigned_integer() const {
  const Head head = read_head(encoded_);
  if (head.kind != Kind::kInteger || head.negative) return std::nullopt;
  return head.bits;
}

std::optional<double> Value::number() const {
  const Head head = read_head(encoded_);
  if (head.kind == Kind::kFloat)
    return head.float32
               ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head.bits)))
               : std::bit_cast<double>(head.bits);
  if (head.kind != Kind::kInteger) return std::nullopt;
  return head.negative ? static_cast<double>(static_cast<std::int64_t>(head.bits))
                       : static_cast<double>(head.bits);
}

std::optional<std::string_view> Value::text() const {
  const Head head = read_head(encoded_);
  if (head.kind != Kind::kText) return std::nullopt;
  return encoded_.substr(head.bytes, head.payload);
}

std::optional<std::string_view> Value::bytes() const {
  const Head head = read_head(encoded_);
  if (head.kind != Kind::kBytes) return std::nullopt;
  return encoded_.substr(head.bytes, head.payload);
}

std::uint32_t Value::size() const {
  const Head head = read_head(encoded_);
  return static_cast<std::uint32_t>(head.kind == Kind::kMap ? head.children / 2 : head.children);
}

Value Value::at(std::uint32_t index) const {
  if (kind() != Kind::kArray) return {};
  Items items(*this);
  for (std::uint32_t i = 0; i < index; ++i) items.next();
  return items.next();
}

Value Value::find(std::string_view key) const {
  if (kind() != Kind::kMap) return {};
  for (Items items(*this); items.left() > 0;) {
    const Value name = items.next();
    const Value value = items.next();
    if (name.text() == key) return value;
  }
  return {};
}

Items::Items(Value container) {
  const Head head = read_head(container.encoded_);
  if (head.children == 0) return;
  rest_ = container.encoded_.substr(head.bytes);
  left_ = head.children;
}

Value Items::next() {
  if (left_ == 0) return {};
  --left_;
  const std::string_view value = first_value(rest_);
  rest_.remove_prefix(value.size());
  return Value(value);
}

}  // namespace sluice::rpc
