// SPDX-License-Identifier: Apache-2.0
#include "core/codec/field.hpp"

#include <msgpack.hpp>

namespace sluice::codec {
namespace {

// Follows the path through maps; whatever is not on it is walked over.
class Finder : public msgpack::null_visitor {
 public:
  explicit Finder(const std::vector<std::string>& path) : path_(path) { on_path_ = path.empty(); }

  Scalar found = Absent{};

  bool visit_nil() { return take(Nil{}); }
  bool visit_boolean(bool v) { return take(v); }
  bool visit_positive_integer(std::uint64_t v) {
    if (v <= static_cast<std::uint64_t>(INT64_MAX)) return take(static_cast<std::int64_t>(v));
    return take(v);
  }
  bool visit_negative_integer(std::int64_t v) { return take(v); }
  bool visit_float32(float v) { return take(static_cast<double>(v)); }
  bool visit_float64(double v) { return take(v); }
  bool visit_str(const char* v, std::uint32_t size) {
    const std::string_view text(v, size);
    if (in_key_) {
      if (depth_ == matched_ + 1 && matched_ < path_.size() && path_[matched_] == text)
        key_hit_ = true;
      return true;
    }
    return take(text);
  }
  bool visit_bin(const char* v, std::uint32_t size) { return take(Bytes{{v, size}}); }
  bool start_array(std::uint32_t) {
    if (on_path_) return take(Composite{});
    ++depth_;
    return true;
  }
  bool end_array() { return --depth_, true; }
  bool start_map(std::uint32_t) {
    if (on_path_) return take(Composite{});
    ++depth_;
    return true;
  }
  bool end_map() { return --depth_, depth_ >= matched_; }  // leaving a matched map: not found
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() { return in_key_ = false, true; }
  bool start_map_value() {
    if (!key_hit_) return true;
    key_hit_ = false;
    ++matched_;
    on_path_ = matched_ == path_.size();
    return true;
  }
  bool end_map_value() { return true; }

 private:
  template <class T>
  bool take(T value) {
    if (!on_path_) return true;
    found = value;
    return false;  // done: stop the walk
  }

  const std::vector<std::string>& path_;
  std::size_t depth_ = 0;    // containers open
  std::size_t matched_ = 0;  // keys of the path matched so far
  bool on_path_ = false;
  bool in_key_ = false;
  bool key_hit_ = false;
};

}  // namespace

Scalar find_field(std::string_view data, const std::vector<std::string>& path) {
  Finder finder(path);
  std::size_t offset = 0;
  msgpack::parse(data.data(), data.size(), offset, finder);
  return finder.found;
}

}  // namespace sluice::codec
