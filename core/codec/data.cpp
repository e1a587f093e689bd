// SPDX-License-Identifier: Apache-2.0
#include "core/codec/data.hpp"

#include <algorithm>
#include <cmath>
#include <msgpack.hpp>
#include <vector>

#include "core/codec/buffer.hpp"
#include "core/text.hpp"

namespace sluice::codec {
namespace {

using core::Errc;
using core::Error;
using core::fail;

// msgpack-c calls one method per value; returning false stops the parse, with `error` set.
class Checker : public msgpack::null_visitor {
 public:
  Checker(const DataLimits& limits, std::string* out) : limits_(limits), packer_(sink_), out_(out) {
    sink_.out = out;
  }

  std::optional<Error> error;

  bool visit_nil() {
    return value() && emit([&] { packer_.pack_nil(); });
  }
  bool visit_boolean(bool v) {
    return value() && emit([&] { v ? packer_.pack_true() : packer_.pack_false(); });
  }
  bool visit_positive_integer(std::uint64_t v) {
    return value() && emit([&] { packer_.pack(v); });
  }
  bool visit_negative_integer(std::int64_t v) {
    return value() && emit([&] { packer_.pack(v); });
  }
  bool visit_float32(float v) { return visit_float64(static_cast<double>(v)); }
  bool visit_float64(double v) {
    if (!std::isfinite(v)) return refuse(Errc::kBadRequest, "data holds NaN or infinity");
    return value() && emit([&] { append_float64(*out_, v); });
  }
  bool visit_str(const char* v, std::uint32_t size) {
    const std::string_view text(v, size);
    if (!core::is_utf8(text)) return refuse(Errc::kBadRequest, "data holds text that is not UTF-8");
    if (in_key_) keys_.push_back(text);
    return count_node() && emit([&] { pack_text(text); });
  }
  bool visit_bin(const char* v, std::uint32_t size) {
    return value() && emit([&] {
             packer_.pack_bin(size);
             packer_.pack_bin_body(v, size);
           });
  }
  bool visit_ext(const char*, std::uint32_t) {
    return refuse(Errc::kBadRequest, "data holds a MessagePack extension type");
  }
  bool start_array(std::uint32_t count) {
    return enter() && fits(count) && emit([&] { packer_.pack_array(count); });
  }
  bool end_array() { return leave(); }
  bool start_map(std::uint32_t count) {
    if (!enter() || !fits(count)) return false;
    key_marks_.push_back(keys_.size());
    return emit([&] { packer_.pack_map(count); });
  }
  bool start_map_key() {
    in_key_ = true;
    return true;
  }
  bool end_map_key() {
    in_key_ = false;
    return true;
  }
  bool end_map() {
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(key_marks_.back());
    if (keys_.end() - first == 1 && *first == "$bytes")
      return refuse(Errc::kBadRequest,
                    "the map {\"$bytes\": ...} is JSON's form of bytes; send bytes");
    std::sort(first, keys_.end());
    if (std::adjacent_find(first, keys_.end()) != keys_.end())
      return refuse(Errc::kBadRequest, "data holds a map with a repeated key");
    keys_.resize(key_marks_.back());
    key_marks_.pop_back();
    return leave();
  }
  void parse_error(std::size_t, std::size_t) {
    refuse(Errc::kBadRequest, "data is not MessagePack");
  }
  void insufficient_bytes(std::size_t, std::size_t) {
    refuse(Errc::kBadRequest, "data ends in the middle of a value");
  }

 private:
  template <class F>
  bool emit(F&& pack) {
    if (out_ != nullptr) {
      pack();
      if (out_->size() > limits_.bytes) return refuse(Errc::kTooLarge, too_large());
    }
    return true;
  }
  void pack_text(std::string_view text) {
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }
  // Any value but text: text alone may stand as a key.
  bool value() {
    if (in_key_) return refuse(Errc::kBadRequest, "data holds a map key that is not text");
    return count_node();
  }
  bool count_node() {
    if (nodes_ >= limits_.nodes) return refuse(Errc::kTooLarge, too_many());
    ++nodes_;
    return true;
  }
  // A header may promise four billion elements in five bytes: refuse before reserving anything.
  bool fits(std::uint32_t count) {
    return count <= limits_.nodes - nodes_ || refuse(Errc::kTooLarge, too_many());
  }
  bool enter() {
    if (++depth_ > limits_.depth)
      return refuse(Errc::kTooLarge, "data is nested deeper than " + std::to_string(limits_.depth));
    return value();
  }
  bool leave() {
    --depth_;
    return true;
  }
  std::string too_many() const {
    return "data holds more than " + std::to_string(limits_.nodes) + " values";
  }
  std::string too_large() const {
    return "data has more than " + std::to_string(limits_.bytes) + " bytes";
  }
  bool refuse(Errc code, std::string message) {
    if (!error) error = fail(code, std::move(message), "data");
    return false;
  }

  const DataLimits& limits_;
  StringSink sink_;
  msgpack::packer<StringSink> packer_;
  std::string* out_;
  std::uint32_t depth_ = 0;
  std::uint32_t nodes_ = 0;
  bool in_key_ = false;
  std::vector<std::string_view> keys_;
  std::vector<std::size_t> key_marks_;
};

core::Result<std::size_t> check(std::string_view msgpack, const DataLimits& limits,
                                std::string* out) {
  if (msgpack.empty()) return fail(Errc::kBadRequest, "data is empty", "data");
  Checker checker(limits, out);
  std::size_t offset = 0;
  bool ok = false;
  try {
    ok = msgpack::parse(msgpack.data(), msgpack.size(), offset, checker);
  } catch (const std::exception&) {  // msgpack-c reports some malformed input by throwing
    ok = false;
  }
  if (checker.error) return *checker.error;
  if (!ok) return fail(Errc::kBadRequest, "data is not MessagePack", "data");
  return offset;
}

}  // namespace

core::Result<std::string> canonical_data(std::string_view msgpack, const DataLimits& limits) {
  if (msgpack.size() > limits.bytes * 2)
    return fail(Errc::kTooLarge, "data has more than " + std::to_string(limits.bytes) + " bytes",
                "data");
  std::string out;
  out.reserve(std::min(msgpack.size(), limits.bytes));
  const auto used = check(msgpack, limits, &out);
  if (!used) return used.error();
  if (*used != msgpack.size())
    return fail(Errc::kBadRequest, "data has bytes after its value", "data");
  return out;
}

core::Result<std::size_t> value_size(std::string_view msgpack, const DataLimits& limits) {
  return check(msgpack, limits, nullptr);
}

}  // namespace sluice::codec
