// SPDX-License-Identifier: Apache-2.0
#include "cli/chain_audit.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using codec::ChainChecker;
using core::Identity;

constexpr std::size_t kFindingsMax = 1000;  // of a lane, and of foreign messages
constexpr std::string_view kMarkPrefix = "lane/";

std::string range_text(core::Seq from, core::Seq to) {
  return from == to ? "seq " + std::to_string(from)
                    : "seqs " + std::to_string(from) + " to " + std::to_string(to);
}

std::string words_of(std::string_view kind, core::Seq from, core::Seq to) {
  const std::string range = range_text(from, to);
  if (kind == "hole") return range + ": not at the hub, and no gap record stands for it";
  if (kind == "altered") return range + ": the bytes are not those that the gateway wrote";
  if (kind == "late") return range + ": came after a gap record had taken its place";
  if (kind == "unreadable") return range + ": is not an event";
  return range;
}

}  // namespace

bool ChainAudit::Place::operator<(const Place& other) const {
  return std::tie(epoch, seq, to, sequence) <
         std::tie(other.epoch, other.seq, other.to, other.sequence);
}

bool ChainAudit::agrees() const {
  if (foreign_count_ > 0) return false;
  for (const Lane& lane : results_)
    for (const Finding& finding : lane.findings)
      if (finding.is_wrong()) return false;
  return true;
}

void ChainAudit::add(Lane& result, Finding finding) {
  if (finding.words.empty()) finding.words = words_of(finding.kind, finding.from, finding.to);
  if (result.findings.size() < kFindingsMax) result.findings.push_back(std::move(finding));
}

// nullopt: the message is not what its subject and Nats-Msg-Id say, or is none of this gateway.
std::optional<Identity> ChainAudit::identity_of(const Message& message, bool tell) {
  const auto subject = core::EventSubject::parse(message.subject);
  if (subject && subject->gateway != gateway_) return std::nullopt;
  auto identity = Identity::parse(message.identity);
  if (subject && identity && identity->gateway == gateway_ && identity->lane == subject->lane)
    return *identity;
  if (tell) {
    ++foreign_count_;
    if (foreign_.size() < kFindingsMax)
      foreign_.push_back({"foreign",
                          {},
                          0,
                          0,
                          "message " + std::to_string(message.sequence) + " on " +
                              core::printable(message.subject) + ": its Nats-Msg-Id '" +
                              core::printable(message.identity) + "' is not of that subject"});
  }
  return std::nullopt;
}

void ChainAudit::index(const Message& message) {
  const auto identity = identity_of(message, true);
  if (!identity) return;
  ++messages_;
  const core::Lane lane = identity->lane;
  Work& work = work_[core::index(lane)];
  note_epoch(work, lane, *identity, message);
  const std::size_t number = work.number.at(identity->epoch.value);
  work.places.push_back({number, identity->seq, identity->to, message.sequence});
}

void ChainAudit::note_epoch(Work& work, core::Lane lane, const Identity& identity,
                            const Message& message) {
  const auto [known, added] = work.number.try_emplace(identity.epoch.value, work.epochs.size());
  if (added) work.epochs.push_back({identity.epoch, {}, 0, message.sequence, false, 0, 0});
  const auto event = codec::decode_event(message.body);
  // What a message under a false name says of its epoch is nobody's word.
  if (!event || event->epoch != identity.epoch || event->seq != identity.seq) return;
  KnownEpoch& epoch = work.epochs[known->second];
  epoch.last = std::max({epoch.last, identity.seq, identity.to});
  if (!event->is_reserved()) return;
  if (lane == core::Lane::kSystem && event->type == codec::kTypeChainMark &&
      event->entity.starts_with(kMarkPrefix)) {
    const auto of = core::parse_lane(event->entity.substr(kMarkPrefix.size()));
    const auto mark = codec::decode_chain_mark(event->data);
    if (of && mark) work_[core::index(*of)].marks.push_back(*mark);
    return;
  }
  std::optional<core::EpochOpened> opened;
  if (event->type == core::kTypeEpochOpened) {
    if (auto content = codec::decode_epoch_opened(event->data)) opened = std::move(*content);
  } else if (event->type == core::kTypeGap) {
    if (auto gap = codec::decode_gap(event->data)) opened = std::move(gap->opened);
  }
  if (!opened || epoch.opened) return;
  epoch.opened = true;
  epoch.previous = opened->previous;
  epoch.previous_last = opened->last_seq;
  epoch.sequence = message.sequence;
}

// An epoch follows its predecessor; of several that follow one, the first stored comes first, with
// all that follows it.
void ChainAudit::rank_epochs(Work& work, Lane& result) {
  std::vector<std::size_t> by_age(work.epochs.size());
  for (std::size_t i = 0; i < by_age.size(); ++i) by_age[i] = i;
  std::sort(by_age.begin(), by_age.end(), [&work](std::size_t a, std::size_t b) {
    return work.epochs[a].sequence < work.epochs[b].sequence;
  });
  std::map<std::uint64_t, std::vector<std::size_t>> followers;  // of a known epoch, oldest first
  std::vector<std::size_t> to_visit;
  for (const std::size_t i : by_age) {
    const KnownEpoch& epoch = work.epochs[i];
    if (epoch.previous && work.number.contains(epoch.previous.value) &&
        epoch.previous != epoch.epoch)
      followers[epoch.previous.value].push_back(i);
    else
      to_visit.push_back(i);
  }
  std::reverse(to_visit.begin(), to_visit.end());
  std::size_t rank = 0;
  while (!to_visit.empty()) {
    const std::size_t at = to_visit.back();
    to_visit.pop_back();
    work.epochs[at].rank = rank++;
    work.by_rank.push_back(work.epochs[at].epoch);
    const auto next = followers.find(work.epochs[at].epoch.value);
    if (next == followers.end()) continue;
    work.epochs[at].followed = true;
    for (std::size_t i = 0; i < next->second.size(); ++i) {
      const KnownEpoch& follower = work.epochs[next->second[i]];
      const bool cuts_off = follower.previous_last < work.epochs[at].last;
      if (i == 0 && !cuts_off) continue;
      add(result,
          {"forked", follower.epoch, follower.previous_last + 1, work.epochs[at].last,
           "epoch " + follower.epoch.text() + " follows epoch " + follower.previous.text() +
               (i > 0 ? ", and so does another one: an old copy or a clone"
                      : " at seq " + std::to_string(follower.previous_last) +
                            ", of which the hub has seqs up to " +
                            std::to_string(work.epochs[at].last) + ": the log's tail was lost")});
    }
    to_visit.insert(to_visit.end(), next->second.rbegin(), next->second.rend());
  }
}

// An event whose ack was lost before a quota took it is in its place all the same: the gate applied
// it, and the gap record behind it counts only what is absent.
void ChainAudit::find_stored_before_gap(Work& work) {
  std::vector<Place> gaps;  // that reach the place
  for (Place& place : work.places) {
    std::erase_if(gaps,
                  [&](const Place& gap) { return gap.epoch != place.epoch || gap.to < place.seq; });
    if (place.to != 0)
      gaps.push_back(place);
    else if (!gaps.empty())
      place.in_gap = std::all_of(gaps.begin(), gaps.end(),
                                 [&](const Place& gap) { return place.sequence < gap.sequence; });
  }
}

void ChainAudit::end_index() {
  for (const core::Lane lane : core::kLanes) {
    Work& work = work_[core::index(lane)];
    Lane& result = results_[core::index(lane)];
    rank_epochs(work, result);
    for (Place& place : work.places) place.epoch = work.epochs[place.epoch].rank;
    std::sort(work.places.begin(), work.places.end());
    std::vector<Place> distinct;
    for (const Place& place : work.places) {
      if (distinct.empty() || !distinct.back().same(place)) {
        distinct.push_back(place);
        continue;
      }
      distinct.back().doubled = true;
    }
    work.places = std::move(distinct);
    find_stored_before_gap(work);
    result.epochs = work.epochs.size();
    if (!work.places.empty()) {
      result.first = work.places.front().seq;
      for (const Place& place : work.places)
        result.last = std::max({result.last, place.seq, place.to});
    }
    // What the gateway told of its newest epoch lies behind all that is here of it. The end of an
    // older one is told by its follower.
    for (const codec::ChainMark& mark : work.marks) {
      const auto known = work.number.find(mark.epoch.value);
      if (known == work.number.end()) continue;
      KnownEpoch& epoch = work.epochs[known->second];
      if (mark.seq <= epoch.last || epoch.followed) continue;
      add(result, {"hole", mark.epoch, epoch.last + 1, mark.seq, {}});
      epoch.last = mark.seq;
    }
    work.checker.emplace(work.marks);
  }
}

void ChainAudit::check(const Message& message) {
  const auto identity = identity_of(message, false);
  if (!identity) return;
  Work& work = work_[core::index(identity->lane)];
  Lane& result = results_[core::index(identity->lane)];
  const auto known = work.number.find(identity->epoch.value);
  if (known == work.number.end()) return;  // came after the index was made
  const Place wanted{work.epochs[known->second].rank, identity->seq, identity->to, 0};
  const auto found = std::lower_bound(work.places.begin(), work.places.end(), wanted);
  if (found == work.places.end() || !found->same(wanted)) return;
  const auto place = static_cast<std::size_t>(found - work.places.begin());
  if (found->doubled) {
    const core::ChainHash hash = core::chain_next({}, message.body);
    const auto [first, is_first] = work.hashes.try_emplace(place, hash);
    if (!is_first) {
      ++result.copies;
      if (first->second != hash)
        add(result,
            {"altered", identity->epoch, identity->seq, identity->seq,
             "seq " + std::to_string(identity->seq) + ": message " +
                 std::to_string(message.sequence) + " is a second copy of it with other bytes"});
      return;
    }
  }
  take(work, result, place, message.body);
}

void ChainAudit::take(Work& work, Lane& result, std::size_t place, std::string_view body) {
  if (place != work.next) {
    work.early.emplace(place, std::string(body));
    return;
  }
  feed(work, result, work.places[place], body);
  ++work.next;
  for (auto next = work.early.begin(); next != work.early.end() && next->first == work.next;
       next = work.early.erase(next)) {
    feed(work, result, work.places[work.next], next->second);
    ++work.next;
  }
}

void ChainAudit::feed(Work& work, Lane& result, const Place& place, std::string_view body) {
  const core::Epoch epoch = work.by_rank[place.epoch];
  const auto event = codec::decode_event(body);
  if (event && event->gateway == gateway_ && event->epoch == epoch && event->seq == place.seq &&
      (event->type == core::kTypeGap) == (place.to != 0)) {
    if (!place.in_gap) work.checker->feed(body);
    return;
  }
  add(result, {event ? "altered" : "unreadable", epoch, place.seq, place.seq,
               "seq " + std::to_string(place.seq) +
                   (event ? ": the body names another event than its Nats-Msg-Id"
                          : ": the body is not an event")});
  work.checker->skip(std::max(place.seq, place.to));
}

void ChainAudit::end() {
  for (const core::Lane lane : core::kLanes) {
    Work& work = work_[core::index(lane)];
    Lane& result = results_[core::index(lane)];
    // Something was there at the first reading and is gone at the second: trimmed meanwhile.
    for (const auto& [place, body] : work.early) feed(work, result, work.places[place], body);
    work.early.clear();
    result.totals = work.checker->totals();
    for (const ChainChecker::Finding& found : work.checker->findings()) {
      if (found.kind == ChainChecker::Kind::kForked) continue;  // told when the epochs were ranked
      const std::string kind = found.kind == ChainChecker::Kind::kDoubled
                                   ? "late"
                                   : std::string(codec::kind_word(found.kind));
      add(result, {kind, found.epoch, found.from, found.to, {}});
    }
  }
}

}  // namespace sluice::cli
