// SPDX-License-Identifier: Apache-2.0
#include "core/codec/json_data.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <msgpack.hpp>
#include <vector>

#include "core/codec/buffer.hpp"
#include "core/text.hpp"

namespace sluice::codec {
namespace {

using boost::json::error_code;
using boost::json::string_view;
using core::Errc;
using core::Error;
using core::fail;
using Packer = msgpack::packer<StringSink>;

// Receives Boost.JSON's events and writes MessagePack. Containers are written without a header and
// get it when they end, since JSON does not say their size first; depth is bounded, so is the cost.
class Writer {
 public:
  // The parser's own limits are off: pack() and count() speak for all of them.
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  explicit Writer(const DataLimits& limits) : limits_(limits) {}
  Writer(const Writer&) = delete;

  std::string out;
  std::optional<Error> error;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) { return begin(ec); }
  bool on_array_begin(error_code& ec) { return begin(ec); }
  bool on_object_end(std::size_t count, error_code& ec) {
    Frame frame = end();
    if (count == 1 && frame.keys[0] == "$bytes") return replace_bytes(frame.start, ec);
    std::sort(frame.keys.begin(), frame.keys.end());
    if (std::adjacent_find(frame.keys.begin(), frame.keys.end()) != frame.keys.end())
      return refuse(ec, Errc::kBadRequest, "an object repeats a key");
    return insert_header(frame.start,
                         [&](Packer& p) { p.pack_map(static_cast<std::uint32_t>(count)); });
  }
  bool on_array_end(std::size_t count, error_code&) {
    const Frame frame = end();
    return insert_header(frame.start,
                         [&](Packer& p) { p.pack_array(static_cast<std::uint32_t>(count)); });
  }
  bool on_key_part(string_view part, std::size_t, error_code&) { return text_.append(part), true; }
  bool on_key(string_view part, std::size_t, error_code& ec) {
    text_.append(part);
    frames_.back().keys.push_back(text_);
    return take_text(ec);
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    return text_.append(part), true;
  }
  bool on_string(string_view part, std::size_t, error_code& ec) {
    text_.append(part);
    return take_text(ec);
  }
  bool on_number_part(string_view part, error_code&) { return text_.append(part), true; }
  bool on_int64(std::int64_t value, string_view part, error_code& ec) {
    text_.append(part);
    const bool minus_zero = value == 0 && text_.front() == '-';
    text_.clear();
    if (minus_zero) return pack(ec, [&](Packer&) { append_float64(out, -0.0); });
    return pack(ec, [&](Packer& p) { p.pack_int64(value); });
  }
  bool on_uint64(std::uint64_t value, string_view, error_code& ec) {
    text_.clear();
    return pack(ec, [&](Packer& p) { p.pack_uint64(value); });
  }
  bool on_double(double value, string_view part, error_code& ec) {
    text_.append(part);
    const bool is_integer = text_.find_first_not_of("-0123456789") == std::string::npos;
    const std::string digits = std::exchange(text_, {});
    if (is_integer)
      return refuse(ec, Errc::kBadRequest,
                    "the integer " + core::printable(digits) + " does not fit 64 bits");
    // Boost 1.81's fast path may be off by one ulp: take the standard library's exact conversion.
    double exact = value;
    std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (!std::isfinite(exact))
      return refuse(ec, Errc::kBadRequest, "a number is too large for a float64");
    return pack(ec, [&](Packer&) { append_float64(out, exact); });
  }
  bool on_bool(bool value, error_code& ec) {
    return pack(ec, [&](Packer& p) { value ? p.pack_true() : p.pack_false(); });
  }
  bool on_null(error_code& ec) {
    return pack(ec, [&](Packer& p) { p.pack_nil(); });
  }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  struct Frame {
    std::size_t start = 0;
    std::vector<std::string> keys;
  };

  bool begin(error_code& ec) {
    if (frames_.size() >= limits_.depth)
      return refuse(ec, Errc::kTooLarge,
                    "data is nested deeper than " + std::to_string(limits_.depth));
    if (!count(ec)) return false;
    frames_.push_back({out.size(), {}});
    return true;
  }
  Frame end() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return frame;
  }
  template <class F>
  bool insert_header(std::size_t start, F&& write) {
    std::string header;
    StringSink sink{&header};
    Packer packer(sink);
    write(packer);
    out.insert(start, header);
    return true;
  }
  bool replace_bytes(std::size_t start, error_code& ec) {
    const std::size_t value = start + 7;  // fixstr header and "$bytes"
    const auto head = static_cast<unsigned char>(out[value]);
    const std::size_t skip = (head & 0xe0) == 0xa0 ? 1
                             : head == 0xd9        ? 2
                             : head == 0xda        ? 3
                             : head == 0xdb        ? 5
                                                   : 0;
    const auto bytes =
        skip == 0 ? std::nullopt : core::from_base64(std::string_view(out).substr(value + skip));
    if (!bytes) return refuse(ec, Errc::kBadRequest, "{\"$bytes\": ...} does not hold base64 text");
    out.resize(start);
    StringSink sink{&out};
    Packer packer(sink);
    packer.pack_bin(static_cast<std::uint32_t>(bytes->size()));
    packer.pack_bin_body(bytes->data(), static_cast<std::uint32_t>(bytes->size()));
    return true;
  }
  bool take_text(error_code& ec) {
    const std::string text = std::exchange(text_, {});
    if (!core::is_utf8(text))
      return refuse(ec, Errc::kBadRequest, "data holds text that is not UTF-8");
    return pack(ec, [&](Packer& p) {
      p.pack_str(static_cast<std::uint32_t>(text.size()));
      p.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    });
  }
  template <class F>
  bool pack(error_code& ec, F&& write) {
    if (!count(ec)) return false;
    StringSink sink{&out};
    Packer packer(sink);
    write(packer);
    if (out.size() > limits_.bytes)
      return refuse(ec, Errc::kTooLarge,
                    "data has more than " + std::to_string(limits_.bytes) + " bytes");
    return true;
  }
  bool count(error_code& ec) {
    if (++nodes_ > limits_.nodes)
      return refuse(ec, Errc::kTooLarge,
                    "data holds more than " + std::to_string(limits_.nodes) + " values");
    return true;
  }
  bool refuse(error_code& ec, Errc code, std::string message) {
    if (!error) error = fail(code, std::move(message), "data");
    ec = boost::json::error::exception;  // any error ends the parse; `error` says which
    return false;
  }

  const DataLimits& limits_;
  std::vector<Frame> frames_;
  std::string text_;
  std::uint32_t nodes_ = 0;
};

// Writes JSON while msgpack-c walks over the value.
class Reader : public msgpack::null_visitor {
 public:
  explicit Reader(std::string& out) : out_(out) {}
  bool visit_nil() { return out_ += "null", true; }
  bool visit_boolean(bool v) { return out_ += v ? "true" : "false", true; }
  bool visit_positive_integer(std::uint64_t v) { return out_ += std::to_string(v), true; }
  bool visit_negative_integer(std::int64_t v) { return out_ += std::to_string(v), true; }
  bool visit_float32(float v) { return visit_float64(static_cast<double>(v)); }
  bool visit_float64(double v) {
    std::array<char, 40> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), v);
    std::string_view shortest(text.data(), static_cast<std::size_t>(end - text.data()));
    out_ += shortest;
    if (shortest.find_first_of(".en") == std::string_view::npos) out_ += ".0";  // stays a float
    return true;
  }
  bool visit_str(const char* v, std::uint32_t size) {
    return append_json_text({v, size}, out_), true;
  }
  bool visit_bin(const char* v, std::uint32_t size) {
    out_ += "{\"$bytes\":\"" + core::to_base64({v, size}) + "\"}";
    return true;
  }
  bool start_array(std::uint32_t) { return open('['); }
  bool start_array_item() { return comma(); }
  bool end_array() { return close(']'); }
  bool start_map(std::uint32_t) { return open('{'); }
  bool start_map_key() { return comma(); }
  bool end_map_key() { return out_ += ':', true; }
  bool end_map() { return close('}'); }

 private:
  bool open(char c) { return out_ += c, first_.push_back(true), true; }
  bool close(char c) { return out_ += c, first_.pop_back(), true; }
  bool comma() {
    if (!first_.back()) out_ += ',';
    first_.back() = false;
    return true;
  }
  std::string& out_;
  std::vector<bool> first_;
};

}  // namespace

core::Result<std::string> json_to_data(std::string_view json, const DataLimits& limits) {
  if (json.size() > limits.bytes * 4)
    return fail(Errc::kTooLarge, "data has more than " + std::to_string(limits.bytes) + " bytes",
                "data");
  boost::json::parse_options options;
  options.max_depth = limits.depth + 1;  // our own check speaks first
  boost::json::basic_parser<Writer> parser(options, limits);
  error_code ec;
  const std::size_t used = parser.write_some(false, json.data(), json.size(), ec);
  if (!parser.handler().error && !ec &&
      json.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    ec = boost::json::error::extra_data;
  if (parser.handler().error) return *parser.handler().error;
  if (ec)
    return fail(Errc::kBadRequest, "not JSON at byte " + std::to_string(used) + ": " + ec.message(),
                "data");
  return std::move(parser.handler().out);
}

void data_to_json(std::string_view data, std::string& out) {
  Reader reader(out);
  std::size_t offset = 0;
  msgpack::parse(data.data(), data.size(), offset, reader);
}

void append_json_text(std::string_view utf8, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : utf8) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
          out += "\\u00";
          out += kDigits[byte >> 4];
          out += kDigits[byte & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void event_to_json(const core::EventView& event, std::string& out) {
  const auto text = [&out](const char* key, std::string_view value) {
    out += key;
    append_json_text(value, out);
  };
  text("{\"gateway\":", event.gateway);
  text(",\"epoch\":", event.epoch.text());
  text(",\"lane\":", core::lane_name(event.lane));
  out += ",\"seq\":" + std::to_string(event.seq);
  text(",\"stream\":", event.stream().text());
  out += ",\"version\":" + std::to_string(event.version);
  text(",\"type\":", event.type);
  text(",\"id\":", event.id.text());
  if (event.occurred_at_ns) text(",\"occurred_at\":", core::format_time(*event.occurred_at_ns));
  text(",\"recorded_at\":", core::format_time(event.recorded.wall_ns));
  out += event.recorded.trusted ? ",\"clock_trusted\":true,\"data\":"
                                : ",\"clock_trusted\":false,\"data\":";
  data_to_json(event.data, out);
  out += '}';
}

}  // namespace sluice::codec
