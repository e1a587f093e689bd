// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_receipt.hpp"

#include <cstring>

#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kSignatureBytes = std::tuple_size_v<core::Signature>;

std::string digest_of(std::string_view bytes) {
  core::Digest digest;
  digest.add(bytes);
  return digest.take();
}

core::Error bad(const char* why) {
  return fail(Errc::kCorrupt, std::string("the receipt is damaged or altered: ") + why);
}

std::string encode_map(const Receipt& receipt) {
  rpc::Packer out;
  out.map(16).text("gateway").text(receipt.gateway).text("shard").text(receipt.shard);
  out.text("lane").text(core::lane_name(receipt.lane));
  out.text("from").unsigned_integer(receipt.from).text("to").unsigned_integer(receipt.to);
  out.text("pieces").array(receipt.pieces.size());
  for (const auto& piece : receipt.pieces)
    out.array(3).text(piece.epoch.text()).unsigned_integer(piece.from).unsigned_integer(piece.to);
  const auto& anchor = receipt.anchor;
  out.text("hub_stream").text(anchor.hub_stream).text("created").text(anchor.created);
  out.text("epoch").text(anchor.epoch.text()).text("seq").unsigned_integer(anchor.seq);
  out.text("hub_seq").unsigned_integer(anchor.hub_seq);
  out.text("subject").text(anchor.subject).text("identity").text(anchor.identity);
  out.text("made_ns").integer(receipt.made_ns).text("program").text(receipt.program);
  out.text("key").bytes({reinterpret_cast<const char*>(receipt.key.data()), receipt.key.size()});
  return out.take();
}

Result<Receipt> decode_map(std::string_view bytes) {
  const auto map = rpc::Value::parse(bytes);
  if (!map || map->kind() != rpc::Value::Kind::kMap) return bad("it cannot be read");
  Receipt out;
  bool good = true;
  const auto text = [&](const char* key) {
    const auto found = map->find(key).text();
    good = good && found;
    return std::string(found.value_or(""));
  };
  const auto number = [&](const char* key) {
    const auto found = map->find(key).unsigned_integer();
    good = good && found && *found > 0;
    return found.value_or(0);
  };
  out.gateway = text("gateway");
  out.shard = text("shard");
  out.from = number("from");
  out.to = number("to");
  out.program = text("program");
  out.anchor.acked = out.to;
  out.anchor.hub_stream = text("hub_stream");
  out.anchor.created = text("created");
  out.anchor.seq = number("seq");
  out.anchor.hub_seq = number("hub_seq");
  out.anchor.subject = text("subject");
  out.anchor.identity = text("identity");
  const auto lane = core::parse_lane(text("lane"));
  const auto epoch = core::Epoch::parse(text("epoch"));
  const auto made = map->find("made_ns").integer();
  const auto key = map->find("key").bytes();
  if (!good || !lane || !epoch || !made || !key || key->size() != out.key.size())
    return bad("a field is missing");
  out.lane = *lane;
  out.anchor.epoch = *epoch;
  out.made_ns = *made;
  std::memcpy(out.key.data(), key->data(), key->size());
  core::Seq next = out.from;
  for (rpc::Items items(map->find("pieces")); items.left() > 0;) {
    const auto one = items.next();
    const auto of = core::Epoch::parse(one.at(0).text().value_or(""));
    const auto from = one.at(1).unsigned_integer();
    const auto to = one.at(2).unsigned_integer();
    if (!of || !from || !to || *from != next || *to < *from) return bad("its ranges do not fit");
    out.pieces.push_back({*of, *from, *to});
    next = *to + 1;
  }
  if (next != out.to + 1 || out.anchor.seq > out.to || out.anchor.seq < out.from)
    return bad("its ranges do not fit");
  return out;
}

}  // namespace

std::string encode_receipt(Receipt receipt, const core::SigningKey& key) {
  receipt.key = key.public_key();
  const std::string map = encode_map(receipt);
  std::string out(kReceiptMagic);
  append_u32(out, kReceiptFormat);
  append_u32(out, static_cast<std::uint32_t>(map.size()));
  out += map;
  const auto signature = key.sign(kReceiptPurpose, digest_of(out));
  return out.append(reinterpret_cast<const char*>(signature.data()), signature.size());
}

Result<Receipt> decode_receipt(std::string_view bytes) {
  if (!bytes.starts_with(kReceiptMagic)) return fail(Errc::kCorrupt, "this is no receipt");
  if (bytes.size() < kHeadBytes) return bad("it is torn");
  const std::uint32_t format = read_u32(bytes.substr(8));
  if (format != kReceiptFormat)
    return fail(Errc::kUnsupported, "the receipt has format " + std::to_string(format) +
                                        ", this program knows " + std::to_string(kReceiptFormat) +
                                        ": use a newer sluice");
  const std::size_t size = read_u32(bytes.substr(12));
  if (bytes.size() != kHeadBytes + size + kSignatureBytes) return bad("it is torn");
  auto receipt = decode_map(bytes.substr(kHeadBytes, size));
  if (!receipt) return receipt;
  core::Signature signature{};
  std::memcpy(signature.data(), bytes.data() + kHeadBytes + size, signature.size());
  if (!core::verify(receipt->key, kReceiptPurpose, digest_of(bytes.substr(0, kHeadBytes + size)),
                    signature))
    return bad("its signature does not fit");
  return receipt;
}

}  // namespace sluice::sync
