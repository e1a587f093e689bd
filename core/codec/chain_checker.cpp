// SPDX-License-Identifier: Apache-2.0
#include "core/codec/chain_checker.hpp"

#include <cstring>
#include <msgpack.hpp>

#include "core/codec/buffer.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/field.hpp"

namespace sluice::codec {

using core::Errc;
using core::fail;

std::string encode_chain_mark(const ChainMark& mark) {
  std::string out;
  StringSink sink{&out};
  msgpack::packer<StringSink> packer(sink);
  packer.pack_map(3);
  packer.pack("epoch");
  packer.pack(mark.epoch.text());
  packer.pack("seq");
  packer.pack_uint64(mark.seq);
  packer.pack("hash");
  packer.pack_bin(static_cast<std::uint32_t>(mark.hash.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(mark.hash.data()),
                       static_cast<std::uint32_t>(mark.hash.size()));
  return out;
}

core::Result<ChainMark> decode_chain_mark(std::string_view data) {
  ChainMark mark;
  const auto epoch_field = find_field(data, {"epoch"});
  const auto seq_field = find_field(data, {"seq"});
  const auto hash_field = find_field(data, {"hash"});
  const auto* epoch = std::get_if<std::string_view>(&epoch_field);
  const auto* hash = std::get_if<Bytes>(&hash_field);
  const auto* seq = std::get_if<std::int64_t>(&seq_field);
  const auto* large_seq = std::get_if<std::uint64_t>(&seq_field);
  const auto parsed = core::Epoch::parse(epoch != nullptr ? *epoch : std::string_view());
  if (!parsed || hash == nullptr || hash->value.size() != mark.hash.size() ||
      (large_seq == nullptr && (seq == nullptr || *seq < 1)))
    return fail(Errc::kCorrupt, "a chain mark is not {epoch, seq, hash}");
  mark.epoch = *parsed;
  mark.seq = large_seq != nullptr ? *large_seq : static_cast<core::Seq>(*seq);
  std::memcpy(mark.hash.data(), hash->value.data(), mark.hash.size());
  return mark;
}

ChainChecker::ChainChecker(const std::vector<ChainMark>& marks) {
  for (const ChainMark& mark : marks) marks_[{mark.epoch.value, mark.seq}] = mark.hash;
}

void ChainChecker::start(core::Epoch epoch, core::Seq last, const core::ChainHash& basis) {
  epoch_ = epoch;
  last_ = sure_ = last;
  begun_ = last > 0;
  hash_ = basis;
  since_sure_ = 0;
}

void ChainChecker::lose() {
  hash_.reset();
  since_sure_ = 0;
}

void ChainChecker::compare(const core::ChainHash& hash) {
  if (hash_ && *hash_ == hash) {
    ++totals_.marks;
    totals_.checked += since_sure_;
  } else if (hash_) {
    findings_.push_back({Kind::kAltered, epoch_, sure_ + 1, last_});
  }
  // Known or not, agreed or not: from here on it is the gateway's word that counts.
  hash_ = hash;
  sure_ = last_;
  since_sure_ = 0;
}

void ChainChecker::told(const core::ChainHash& hash) {
  compare(hash);
}

void ChainChecker::skip(core::Seq to) {
  if (to <= last_) return;
  totals_.gaps += to - last_;
  last_ = to;
  begun_ = true;
  lose();
}

void ChainChecker::opened(const core::EventView& event, const core::EpochOpened& content) {
  const bool follows = begun_ && content.previous == epoch_ && content.last_seq == last_;
  if (begun_ && content.previous == epoch_ && content.last_seq < last_)
    findings_.push_back({Kind::kForked, event.epoch, event.seq, last_});
  if (begun_ && content.previous == epoch_ && content.last_seq > last_)
    findings_.push_back({Kind::kHole, epoch_, last_ + 1, content.last_seq});
  if (!begun_ && event.seq == 1) {
    hash_ = core::ChainHash{};
  } else if (follows && content.chain) {
    compare(*content.chain);
  } else if (content.chain) {
    hash_ = *content.chain;
    sure_ = content.last_seq;
    since_sure_ = 0;
  } else {
    // The gateway itself did not know it, so the marks that follow have another beginning.
    lose();
  }
  epoch_ = event.epoch;
  last_ = event.seq - 1;
  begun_ = true;
}

// Where the event stands; false if it is not to be counted.
bool ChainChecker::place(const core::EventView& event) {
  if (!begun_) {
    begun_ = true;
    epoch_ = event.epoch;
    last_ = event.seq - 1;
    if (event.seq == 1) hash_ = core::ChainHash{};
    return true;
  }
  if (event.epoch != epoch_) {
    // Its EpochOpened is missing with all before it.
    epoch_ = event.epoch;
    if (event.seq > last_ + 1) findings_.push_back({Kind::kHole, epoch_, last_ + 1, event.seq - 1});
    last_ = event.seq - 1;
    lose();
    return true;
  }
  if (event.seq <= last_) {
    findings_.push_back({Kind::kDoubled, epoch_, event.seq, event.seq});
    return false;
  }
  if (event.seq > last_ + 1) {
    findings_.push_back({Kind::kHole, epoch_, last_ + 1, event.seq - 1});
    lose();
    last_ = event.seq - 1;
  }
  return true;
}

void ChainChecker::feed(std::string_view body) {
  const auto event = decode_trusted(body);
  if (!event) {
    findings_.push_back({Kind::kUnreadable, epoch_, last_, last_});
    lose();
    return;
  }
  const bool is_gap = event->is_reserved() && event->type == core::kTypeGap;
  if (is_gap) {
    const auto gap = decode_gap(event->data);
    if (!gap) {
      findings_.push_back({Kind::kUnreadable, event->epoch, event->seq, event->seq});
      lose();
      return;
    }
    if (gap->opened && event->epoch != epoch_) opened(*event, *gap->opened);
    ++totals_.events;
    if (event->epoch == epoch_ && gap->to <= last_) return;  // the events came after all
    if (!begun_ || event->epoch != epoch_ || event->seq > last_ + 1)
      if (!place(*event)) return;
    skip(gap->to);
    if (gap->chain) compare(*gap->chain);
    return;
  }
  if (event->is_reserved() && event->type == core::kTypeEpochOpened && event->epoch != epoch_) {
    const auto content = decode_epoch_opened(event->data);
    if (content) opened(*event, *content);
  } else if (!place(*event)) {
    return;
  }
  ++totals_.events;
  last_ = event->seq;
  if (hash_) {
    hash_ = core::chain_next(*hash_, body);
    ++since_sure_;
  }
  const auto mark = marks_.find({epoch_.value, last_});
  if (mark != marks_.end()) compare(mark->second);
}

std::string_view kind_word(ChainChecker::Kind kind) {
  switch (kind) {
    case ChainChecker::Kind::kAltered:
      return "altered";
    case ChainChecker::Kind::kHole:
      return "hole";
    case ChainChecker::Kind::kDoubled:
      return "doubled";
    case ChainChecker::Kind::kForked:
      return "forked";
    case ChainChecker::Kind::kUnreadable:
      return "unreadable";
  }
  return "hole";
}

}  // namespace sluice::codec
