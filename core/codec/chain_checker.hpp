// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"

namespace sluice::codec {

// The type of the events that carry chain marks; their stream is sluice/lane/<lane>, in lane
// system.
inline constexpr std::string_view kTypeChainMark = "ChainMark";

// The lane's chain hash after event `seq` of `epoch`, as the gateway computed it.
struct ChainMark {
  core::Epoch epoch;
  core::Seq seq = 0;
  core::ChainHash hash{};
};
std::string encode_chain_mark(const ChainMark& mark);              // an event's data, canonical
core::Result<ChainMark> decode_chain_mark(std::string_view data);  // kCorrupt

// Recomputes the hash chain of one lane of one gateway from the bodies, and compares it with every
// hash that the gateway told: in ChainMark events, in EpochOpened, in gap records. Pure; one
// thread.
//
// Bodies are fed in the order of their epochs, and of their seqs within an epoch. Where a hash is
// not known (a gap record without one, a hole, a beginning that was trimmed) nothing can be said
// until the next hash that was told, and checking begins anew there.
class ChainChecker {
 public:
  enum class Kind {
    kAltered,  // the hash told for `to` is not that of the bodies from..to: one of them was changed
    kHole,     // nothing was fed for from..to, and no gap record stands for it
    kDoubled,  // the seq was fed before in this epoch
    kForked,   // this epoch begins below the end of what its predecessor was fed: a lost tail or an
               // old copy
    kUnreadable,  // a body is not an event of this format; its seq is not known, from = to = last
  };
  struct Finding {
    Kind kind = Kind::kHole;
    core::Epoch epoch;
    core::Seq from = 0;
    core::Seq to = 0;
  };
  struct Totals {
    std::uint64_t events = 0;   // bodies fed, gap records included
    std::uint64_t gaps = 0;     // seqs that gap records stand for
    std::uint64_t marks = 0;    // hashes that were compared and agreed
    std::uint64_t checked = 0;  // events that a hash that agreed vouches for
  };

  // All marks of the lane, in any order. They must be known before the bodies.
  explicit ChainChecker(const std::vector<ChainMark>& marks);

  // `basis`: the hash before the first body, where it is known (a segment's head).
  void start(core::Epoch epoch, core::Seq last, const core::ChainHash& basis);
  void feed(std::string_view body);
  // The seqs up to `to` are known to be missing: they are no hole, and the hash is unknown behind
  // them.
  void skip(core::Seq to);
  // The gateway's hash after the event fed last, from another source than a mark.
  void told(const core::ChainHash& hash);

  const std::vector<Finding>& findings() const { return findings_; }
  const Totals& totals() const { return totals_; }
  core::Seq last() const { return last_; }
  const std::optional<core::ChainHash>& hash() const { return hash_; }  // after last()

 private:
  void opened(const core::EventView& event, const core::EpochOpened& content);
  void compare(const core::ChainHash& hash);
  void lose();
  bool place(const core::EventView& event);

  std::map<std::pair<std::uint64_t, core::Seq>, core::ChainHash> marks_;
  core::Epoch epoch_;
  core::Seq last_ = 0;
  bool begun_ = false;
  std::optional<core::ChainHash> hash_;
  core::Seq sure_ = 0;            // the last seq that a hash vouched for
  std::uint64_t since_sure_ = 0;  // events fed since, with the hash known throughout
  std::vector<Finding> findings_;
  Totals totals_;
};

std::string_view kind_word(ChainChecker::Kind kind);  // "altered", "hole", ...

}  // namespace sluice::codec
