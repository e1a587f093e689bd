// SPDX-License-Identifier: Apache-2.0
#include "core/codec/event_codec.hpp"

#include <cstring>
#include <msgpack.hpp>

#include "core/codec/buffer.hpp"
#include "core/codec/data.hpp"

namespace sluice::codec {
namespace {

using core::ChainHash;
using core::Epoch;
using core::EpochOpened;
using core::Errc;
using core::EventView;
using core::fail;
using core::Gap;
using core::Result;

constexpr std::uint32_t kFields = 13;
using Packer = msgpack::packer<StringSink>;

void pack_text(Packer& packer, std::string_view text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void pack_bytes(Packer& packer, const std::uint8_t* bytes, std::uint32_t size) {
  packer.pack_bin(size);
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes), size);
}

// Reads one flat value at a time out of a body. Every method gives false once anything did not fit.
class Cursor {
 public:
  explicit Cursor(std::string_view body) : body_(body) {}

  bool array(std::uint32_t count) { return next() && kind_ == Kind::kArray && count_ == count; }
  bool text(std::string_view& out) { return next() && kind_ == Kind::kText && (out = text_, true); }
  bool uint(std::uint64_t& out) { return next() && kind_ == Kind::kUint && (out = uint_, true); }
  bool boolean(bool& out) { return next() && kind_ == Kind::kBool && (out = bool_, true); }
  bool int_or_nil(std::optional<std::int64_t>& out) {
    if (!next()) return false;
    if (kind_ == Kind::kNil) return out.reset(), true;
    std::int64_t value = 0;
    if (!as_int(value)) return false;
    out = value;
    return true;
  }
  bool integer(std::int64_t& out) { return next() && as_int(out); }
  template <std::size_t N>
  bool bytes(std::array<std::uint8_t, N>& out) {
    return next() && as_bytes(out);
  }
  template <std::size_t N>
  bool bytes_or_nil(std::optional<std::array<std::uint8_t, N>>& out) {
    if (!next()) return false;
    if (kind_ == Kind::kNil) return out.reset(), true;
    return as_bytes(out.emplace());
  }
  bool text_or_nil(std::optional<std::string_view>& out) {
    if (!next()) return false;
    if (kind_ == Kind::kNil) return out.reset(), true;
    out = text_;
    return kind_ == Kind::kText;
  }
  bool at_nil() const {
    return offset_ < body_.size() && static_cast<unsigned char>(body_[offset_]) == 0xc0;
  }
  void skip_nil() { ++offset_; }
  std::string_view rest() const { return body_.substr(offset_); }

 private:
  enum class Kind { kNone, kNil, kBool, kUint, kInt, kText, kBytes, kArray };

  // The flat subset of MessagePack that a body's own fields use; data is left to data.hpp.
  bool next() {
    kind_ = Kind::kNone;
    if (offset_ >= body_.size()) return false;
    const auto head = static_cast<unsigned char>(body_[offset_++]);
    if (head <= 0x7f) return set_uint(head);
    if (head >= 0xe0) return set_int(static_cast<std::int8_t>(head));
    if (head >= 0xa0 && head <= 0xbf) return take_text(head & 0x1f);
    if (head >= 0x90 && head <= 0x9f) {
      count_ = head & 0x0f;
      kind_ = Kind::kArray;
      return true;
    }
    std::uint64_t n = 0;
    switch (head) {
      case 0xc0:
        kind_ = Kind::kNil;
        return true;
      case 0xc2:
      case 0xc3:
        kind_ = Kind::kBool;
        bool_ = head == 0xc3;
        return true;
      case 0xc4:
        return big_endian(1, n) && take_bytes(n);
      case 0xcc:
        return big_endian(1, n) && set_uint(n);
      case 0xcd:
        return big_endian(2, n) && set_uint(n);
      case 0xce:
        return big_endian(4, n) && set_uint(n);
      case 0xcf:
        return big_endian(8, n) && set_uint(n);
      case 0xd0:
        return big_endian(1, n) && set_int(static_cast<std::int8_t>(n));
      case 0xd1:
        return big_endian(2, n) && set_int(static_cast<std::int16_t>(n));
      case 0xd2:
        return big_endian(4, n) && set_int(static_cast<std::int32_t>(n));
      case 0xd3:
        return big_endian(8, n) && set_int(static_cast<std::int64_t>(n));
      case 0xd9:
        return big_endian(1, n) && take_text(n);
      default:
        return false;
    }
  }
  bool big_endian(std::size_t size, std::uint64_t& out) {
    if (body_.size() - offset_ < size) return false;
    out = 0;
    for (std::size_t i = 0; i < size; ++i)
      out = (out << 8) | static_cast<unsigned char>(body_[offset_++]);
    return true;
  }
  bool set_uint(std::uint64_t value) {
    uint_ = value;
    kind_ = Kind::kUint;
    return true;
  }
  bool set_int(std::int64_t value) {
    if (value >= 0) return set_uint(static_cast<std::uint64_t>(value));
    int_ = value;
    kind_ = Kind::kInt;
    return true;
  }
  bool take_text(std::uint64_t size) {
    if (body_.size() - offset_ < size) return false;
    text_ = body_.substr(offset_, size);
    offset_ += size;
    kind_ = Kind::kText;
    return true;
  }
  bool take_bytes(std::uint64_t size) {
    if (!take_text(size)) return false;
    kind_ = Kind::kBytes;
    return true;
  }
  bool as_int(std::int64_t& out) const {
    if (kind_ == Kind::kInt) return out = int_, true;
    if (kind_ != Kind::kUint || uint_ > static_cast<std::uint64_t>(INT64_MAX)) return false;
    return out = static_cast<std::int64_t>(uint_), true;
  }
  template <std::size_t N>
  bool as_bytes(std::array<std::uint8_t, N>& out) const {
    if (kind_ != Kind::kBytes || text_.size() != N) return false;
    std::memcpy(out.data(), text_.data(), N);
    return true;
  }

  std::string_view body_;
  std::size_t offset_ = 0;
  Kind kind_ = Kind::kNone;
  bool bool_ = false;
  std::uint64_t uint_ = 0;
  std::int64_t int_ = 0;
  std::uint32_t count_ = 0;
  std::string_view text_;
};

core::Error corrupt(const char* what) {
  return fail(Errc::kCorrupt, std::string("event body: ") + what);
}

Result<EventView> decode_head(std::string_view body) {
  if (body.empty()) return corrupt("it is empty");
  Cursor cursor(body);
  if (!cursor.array(kFields)) return corrupt("it is not an array of 13");
  std::uint64_t format = 0;
  if (!cursor.uint(format)) return corrupt("field 0 (format) is not a number");
  if (format != kEventFormat)
    return fail(Errc::kUnsupported, "event body: format " + std::to_string(format) +
                                        " is newer than this program, which knows 1");
  EventView event;
  std::string_view epoch;
  std::string_view lane;
  if (!cursor.text(event.gateway)) return corrupt("field 1 (gateway) is not text");
  if (!cursor.text(epoch)) return corrupt("field 2 (epoch) is not text");
  if (!cursor.text(lane)) return corrupt("field 3 (lane) is not text");
  if (!cursor.uint(event.seq) || event.seq == 0)
    return corrupt("field 4 (seq) is not a number from 1");
  if (!cursor.text(event.category)) return corrupt("field 5 (category) is not text");
  if (!cursor.text(event.entity)) return corrupt("field 6 (entity) is not text");
  if (!cursor.uint(event.version)) return corrupt("field 7 (version) is not a number");
  if (!cursor.int_or_nil(event.occurred_at_ns))
    return corrupt("field 8 (occurred_at) is not nil or a time");
  if (!cursor.array(4) || !cursor.integer(event.recorded.wall_ns) ||
      !cursor.bytes(event.recorded.boot.bytes) || !cursor.uint(event.recorded.monotonic_ns) ||
      !cursor.boolean(event.recorded.trusted))
    return corrupt("field 9 (recorded) is not [wall, boot, monotonic, trusted]");
  if (!cursor.bytes(event.id.bytes)) return corrupt("field 10 (id) is not 16 bytes");
  if (!cursor.text(event.type)) return corrupt("field 11 (type) is not text");
  event.data = cursor.rest();
  if (event.data.empty()) return corrupt("field 12 (data) is missing");
  const auto parsed_epoch = Epoch::parse(epoch);
  if (!parsed_epoch) return corrupt("field 2 (epoch) is malformed");
  event.epoch = *parsed_epoch;
  const auto parsed_lane = core::parse_lane(lane);
  if (!parsed_lane) return corrupt("field 3 (lane) is unknown");
  event.lane = *parsed_lane;
  return event;
}

void pack_epoch_opened(Packer& packer, const EpochOpened& content) {
  packer.pack_array(4);
  if (content.previous)
    pack_text(packer, content.previous.text());
  else
    packer.pack_nil();
  packer.pack_uint64(content.last_seq);
  if (content.chain)
    pack_bytes(packer, content.chain->data(), 32);
  else
    packer.pack_nil();
  pack_text(packer, content.reason);
}

bool read_epoch_opened(Cursor& cursor, EpochOpened& out) {
  std::optional<std::string_view> previous;
  std::string_view reason;
  if (!cursor.array(4) || !cursor.text_or_nil(previous) || !cursor.uint(out.last_seq) ||
      !cursor.bytes_or_nil(out.chain) || !cursor.text(reason))
    return false;
  if (previous) {
    const auto epoch = Epoch::parse(*previous);
    if (!epoch) return false;
    out.previous = *epoch;
  }
  out.reason = reason;
  return true;
}

}  // namespace

void encode_event(const EventView& event, std::string& out) {
  out.clear();
  StringSink sink{&out};
  Packer packer(sink);
  packer.pack_array(kFields);
  packer.pack_uint64(kEventFormat);
  pack_text(packer, event.gateway);
  pack_text(packer, event.epoch.text());
  pack_text(packer, core::lane_name(event.lane));
  packer.pack_uint64(event.seq);
  pack_text(packer, event.category);
  pack_text(packer, event.entity);
  packer.pack_uint64(event.version);
  if (event.occurred_at_ns)
    packer.pack_int64(*event.occurred_at_ns);
  else
    packer.pack_nil();
  packer.pack_array(4);
  packer.pack_int64(event.recorded.wall_ns);
  pack_bytes(packer, event.recorded.boot.bytes.data(), 16);
  packer.pack_uint64(event.recorded.monotonic_ns);
  event.recorded.trusted ? packer.pack_true() : packer.pack_false();
  pack_bytes(packer, event.id.bytes.data(), 16);
  pack_text(packer, event.type);
  out.append(event.data);
}

std::string encode_event(const EventView& event) {
  std::string out;
  out.reserve(128 + event.category.size() + event.entity.size() + event.type.size() +
              event.data.size());
  encode_event(event, out);
  return out;
}

Result<EventView> decode_trusted(std::string_view body) {
  return decode_head(body);
}

Result<EventView> decode_event(std::string_view body) {
  auto event = decode_head(body);
  if (!event) return event;
  if (!core::GatewayId::parse(event->gateway)) return corrupt("field 1 (gateway) is malformed");
  if (!core::check_category(event->category)) return corrupt("field 5 (category) is malformed");
  if (!core::check_entity(event->entity)) return corrupt("field 6 (entity) is malformed");
  if (!core::check_type(event->type)) return corrupt("field 11 (type) is malformed");
  const auto size = value_size(event->data);
  if (!size) return fail(Errc::kCorrupt, "event body: field 12: " + size.error().message);
  if (*size != event->data.size()) return corrupt("bytes follow field 12 (data)");
  const bool is_gap = event->is_reserved() && event->type == core::kTypeGap;
  if ((event->version == 0) != is_gap) return corrupt("field 7 (version) does not fit the type");
  return event;
}

std::string encode_epoch_opened(const EpochOpened& content) {
  std::string out;
  StringSink sink{&out};
  Packer packer(sink);
  pack_epoch_opened(packer, content);
  return out;
}

Result<EpochOpened> decode_epoch_opened(std::string_view data) {
  Cursor cursor(data);
  EpochOpened content;
  if (!read_epoch_opened(cursor, content) || !cursor.rest().empty())
    return fail(Errc::kCorrupt, "EpochOpened: the data is not [previous, last_seq, chain, reason]");
  return content;
}

std::string encode_gap(const Gap& content) {
  std::string out;
  StringSink sink{&out};
  Packer packer(sink);
  packer.pack_array(4);
  packer.pack_uint64(content.to);
  pack_text(packer, core::gap_reason_word(content.reason));
  if (content.chain)
    pack_bytes(packer, content.chain->data(), 32);
  else
    packer.pack_nil();
  if (content.opened)
    pack_epoch_opened(packer, *content.opened);
  else
    packer.pack_nil();
  return out;
}

Result<Gap> decode_gap(std::string_view data) {
  const auto bad = [] {
    return fail(Errc::kCorrupt, "Gap: the data is not [to, reason, chain, opened]");
  };
  Cursor cursor(data);
  Gap content;
  std::string_view reason;
  if (!cursor.array(4) || !cursor.uint(content.to) || !cursor.text(reason) ||
      !cursor.bytes_or_nil(content.chain))
    return bad();
  const auto word = core::parse_gap_reason(reason);
  if (!word) return bad();
  content.reason = *word;
  if (cursor.at_nil())
    cursor.skip_nil();
  else if (!read_epoch_opened(cursor, content.opened.emplace()))
    return bad();
  if (!cursor.rest().empty()) return bad();
  return content;
}

}  // namespace sluice::codec
