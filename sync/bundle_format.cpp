// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_format.hpp"

#include <algorithm>
#include <cstring>

#include "core/codec/event_codec.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kEpochsMax = 100'000;

core::Error bad(std::string_view what) {
  return fail(Errc::kCorrupt, "its " + std::string(what) + " cannot be read");
}

Result<rpc::Value> map_of(std::string_view bytes, std::string_view what) {
  rpc::ValueLimits limits;
  limits.bytes = kTrailerBytesMax;
  limits.depth = 4;
  limits.nodes = 4 * kEpochsMax;
  const auto value = rpc::Value::parse(bytes, limits);
  if (!value || value->kind() != rpc::Value::Kind::kMap) return bad(what);
  return *value;
}

// A key of a later program's is passed over; one of this format that is missing is not.
struct Fields {
  rpc::Value map;
  bool good = true;

  std::uint64_t number(std::string_view key) {
    const auto found = map.find(key).unsigned_integer();
    good = good && found.has_value();
    return found.value_or(0);
  }
  std::string text(std::string_view key) {
    const auto found = map.find(key).text();
    good = good && found.has_value();
    return std::string(found.value_or(""));
  }
};

}  // namespace

std::string encode_header(const BundleHeader& header) {
  rpc::Packer out;
  out.map(11).text("gateway").text(header.gateway).text("shard").text(header.shard);
  out.text("lane").text(core::lane_name(header.lane)).text("machine").text(header.machine);
  out.text("epochs").array(header.epochs.size());
  for (const auto& epoch : header.epochs) out.text(epoch.text());
  out.text("from").unsigned_integer(header.from).text("acked").unsigned_integer(header.acked);
  out.text("last").unsigned_integer(header.last).text("made_ns").integer(header.made_ns);
  out.text("program").text(header.program);
  out.text("key").bytes({reinterpret_cast<const char*>(header.key.data()), header.key.size()});
  return out.take();
}

Result<BundleHeader> decode_header(std::string_view bytes) {
  const auto map = map_of(bytes, "header");
  if (!map) return map.error();
  Fields fields{*map};
  BundleHeader out;
  out.gateway = fields.text("gateway");
  out.shard = fields.text("shard");
  out.machine = fields.text("machine");
  out.program = fields.text("program");
  out.from = fields.number("from");
  out.acked = fields.number("acked");
  out.last = fields.number("last");
  const auto lane = core::parse_lane(fields.text("lane"));
  const auto made = map->find("made_ns").integer();
  const auto key = map->find("key").bytes();
  const auto epochs = map->find("epochs");
  if (!fields.good || !lane || !made || !key || key->size() != out.key.size() || out.from == 0 ||
      epochs.kind() != rpc::Value::Kind::kArray || epochs.size() > kEpochsMax ||
      !core::GatewayId::parse(out.gateway) || !core::is_shard_name(out.shard))
    return bad("header");
  out.lane = *lane;
  out.made_ns = *made;
  std::memcpy(out.key.data(), key->data(), key->size());
  for (rpc::Items items(epochs); items.left() > 0;) {
    const auto epoch = core::Epoch::parse(items.next().text().value_or(""));
    if (!epoch) return bad("header");
    out.epochs.push_back(*epoch);
  }
  return out;
}

std::string encode_trailer(const BundleTrailer& trailer) {
  rpc::Packer out;
  out.map(7).text("to").unsigned_integer(trailer.to);
  out.text("events").unsigned_integer(trailer.events);
  out.text("gaps").unsigned_integer(trailer.gaps);
  out.text("missing").unsigned_integer(trailer.missing);
  out.text("bytes").unsigned_integer(trailer.bytes);
  out.text("blocks").unsigned_integer(trailer.blocks);
  out.text("pieces").array(trailer.pieces.size());
  for (const auto& piece : trailer.pieces) {
    out.array(3).text(piece.epoch.text());
    out.unsigned_integer(piece.from).unsigned_integer(piece.to);
  }
  return out.take();
}

Result<BundleTrailer> decode_trailer(std::string_view bytes) {
  const auto map = map_of(bytes, "trailer");
  if (!map) return map.error();
  Fields fields{*map};
  BundleTrailer out;
  out.to = fields.number("to");
  out.events = fields.number("events");
  out.gaps = fields.number("gaps");
  out.missing = fields.number("missing");
  out.bytes = fields.number("bytes");
  out.blocks = fields.number("blocks");
  const auto pieces = map->find("pieces");
  if (!fields.good || pieces.kind() != rpc::Value::Kind::kArray || pieces.size() > kEpochsMax)
    return bad("trailer");
  for (rpc::Items items(pieces); items.left() > 0;) {
    const auto one = items.next();
    const auto epoch = core::Epoch::parse(one.at(0).text().value_or(""));
    const auto from = one.at(1).unsigned_integer();
    const auto to = one.at(2).unsigned_integer();
    if (!epoch || !from || !to) return bad("trailer");
    out.pieces.push_back({*epoch, *from, *to});
  }
  return out;
}

std::string bundle_name(const BundleHeader& header, core::Epoch first_epoch) {
  std::string seq = std::to_string(header.from);
  seq.insert(0, 20 - seq.size(), '0');
  return header.gateway + "-" + std::string(core::lane_name(header.lane)) + "-" + seq + "-" +
         first_epoch.text() + std::string(kBundleSuffix);
}

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i)
    value = (value << 8) | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

void append_i64(std::string& out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  append_u32(out, static_cast<std::uint32_t>(bits));
  append_u32(out, static_cast<std::uint32_t>(bits >> 32));
}

std::int64_t read_i64(std::string_view bytes) {
  return static_cast<std::int64_t>(read_u32(bytes) | std::uint64_t{read_u32(bytes.substr(4))}
                                                         << 32);
}

Result<Item> BundleTally::add(std::string body, std::int64_t clock_ns) {
  const auto event = codec::decode_event(body);
  const auto at = [&] { return "the item with seq " + std::to_string(next_); };
  if (!event) return fail(Errc::kCorrupt, at() + " cannot be read: " + event.error().message);
  if (event->gateway != header_.gateway || event->lane != header_.lane)
    return fail(Errc::kCorrupt, at() + " is of another gateway or lane than the file");
  if (event->seq != next_)
    return fail(Errc::kCorrupt,
                at() + " is missing: " + std::to_string(event->seq) + " stands in its place");
  const bool is_gap = event->is_reserved() && event->type == core::kTypeGap;
  core::Seq to = event->seq;
  bool opens = event->is_reserved() && event->type == core::kTypeEpochOpened;
  if (is_gap) {
    const auto gap = codec::decode_gap(event->data);
    if (!gap || gap->to < event->seq) return fail(Errc::kCorrupt, at() + " is no gap record");
    to = gap->to;
    opens = gap->opened.has_value();
  }
  SLUICE_TRY(check_epoch(*event, opens));
  sums_.pieces.back().to = to;
  sums_.to = to;
  sums_.bytes += body.size();
  ++(is_gap ? sums_.gaps : sums_.events);
  if (is_gap) sums_.missing += to - event->seq + 1;
  next_ = to + 1;
  const core::EventView view = *event;
  // The body is long enough to stay where it is when it is moved.
  Item item = make_event_item({header_.gateway, header_.shard}, header_.lane,
                              {view.seq, std::move(body)}, view, clock_ns);
  if (!is_gap) return item;
  item.is_gap = true;
  item.to = to;
  item.identity = core::Identity{header_.gateway, view.epoch, header_.lane, view.seq, to}.text();
  return item;
}

Result<void> BundleTally::check_epoch(const core::EventView& event, bool opens) {
  if (!sums_.pieces.empty() && sums_.pieces.back().epoch == event.epoch) return {};
  const bool known =
      std::find(header_.epochs.begin(), header_.epochs.end(), event.epoch) != header_.epochs.end();
  const bool again = std::any_of(sums_.pieces.begin(), sums_.pieces.end(),
                                 [&](const auto& piece) { return piece.epoch == event.epoch; });
  // An epoch begins with its EpochOpened, but a file may begin in the middle of one.
  if (!known || again || (!opens && !sums_.pieces.empty()))
    return fail(Errc::kCorrupt, "the item with seq " + std::to_string(event.seq) + " is of epoch " +
                                    event.epoch.text() + ", which has no place there");
  sums_.pieces.push_back({event.epoch, event.seq, event.seq});
  return {};
}

}  // namespace sluice::sync
