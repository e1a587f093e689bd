// SPDX-License-Identifier: Apache-2.0
// What an operator does with events that are parked.
#include "core/codec/event_codec.hpp"
#include "core/text.hpp"
#include "projection/engine/model_engine.hpp"
#include "projection/engine/parked_book.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

constexpr std::size_t kPage = 256;  // events of a stream that are in memory at once

}  // namespace

Result<std::vector<ParkedEvent>> ModelEngine::parked_heads(std::size_t limit) {
  return ParkedBook(*target_).heads(limit);
}

Result<bool> ModelEngine::is_parked(const core::Identity& event) {
  const auto found = ParkedBook(*target_).find(event);
  if (!found) return found.error();
  return found->has_value();
}

Result<ParkedEvent> ModelEngine::parked_event(const core::Identity& event) {
  return ParkedBook(*target_).event(event);
}

Result<ParkedOutcome> ModelEngine::retry_parked(const core::Identity& event) {
  return settle(event, true, "retried");
}

Result<ParkedOutcome> ModelEngine::skip_parked(const core::Identity& event,
                                               std::string_view reason) {
  if (!core::is_utf8(reason) || reason.empty() || reason.find('\0') != std::string_view::npos)
    return fail(Errc::kBadRequest, "a reason is needed", "reason");
  return settle(event, false, reason);
}

Result<ParkedOutcome> ModelEngine::settle(const core::Identity& event, bool applies,
                                          std::string_view reason) {
  ParkedOutcome out;
  ParkedBook book(*target_);
  // An operator's word is not read again from the hub: it is synced.
  const auto done = batch({}, {event.gateway}, Begin::kSynced, [&]() -> Result<void> {
    out = {};
    const auto found = book.find(event);
    if (!found) return found.error();
    if (!*found) return fail(Errc::kNotFound, "no such event is parked", "event");
    if ((*found)->event.kind == "behind")
      return fail(Errc::kBadRequest,
                  "it only waits behind the poison event of its stream: retry or skip that one",
                  "event");
    SLUICE_TRY(settle_one(book, **found, applies, out));
    if (!out.settled) return {};
    Decision decision;
    decision.event = event;
    decision.category = (*found)->event.stream.substr(0, (*found)->event.stream.find('/'));
    decision.type = (*found)->event.type;
    decision.applied = applies;
    decision.late = (*found)->event.kind == "late";
    decision.reason = reason;
    decision.at_ns = now_ns_;
    SLUICE_TRY(note_settled(book, std::move(decision), out, ""));
    return parking_->reload();
  });
  if (!done) return done.error();
  return out;
}

// Takes the event once more, or gives it up; then the later events of its stream follow.
Result<void> ModelEngine::settle_one(ParkedBook& book, const ParkedBook::Entry& entry, bool applies,
                                     ParkedOutcome& out) {
  if (applies) {
    auto why = take_parked(entry);
    if (!why) return why.error();
    if (!why->empty()) {
      out.why = std::move(*why);
      return {};
    }
    ++out.applied;
  }
  out.settled = true;
  SLUICE_TRY(book.remove(entry));
  return entry.event.kind == "poison" ? follow(book, entry, out) : Result<void>();
}

// With the place at which it was carried out here.
Result<void> ModelEngine::note_settled(ParkedBook& book, Decision decision,
                                       const ParkedOutcome& out, std::string_view how) {
  SLUICE_TRY(set_place(decision));
  decision.done = true;
  SLUICE_TRY(decisions_.note(decision));
  return book.audit(decision.applied ? "parked retry" : "parked skip",
                    decision.event.text() + " applied " + std::to_string(out.applied) +
                        ", behind " + std::to_string(out.behind) + std::string(how) + ": " +
                        decision.reason,
                    now_ns_);
}

// Empty: it has taken effect in memory. Else why it cannot.
Result<std::string> ModelEngine::take_parked(const ParkedBook::Entry& entry) {
  const auto event = codec::decode_trusted(entry.event.body);
  if (!event) return event.error();
  const auto row = store_->find({event->gateway, event->epoch, event->lane});
  if (!row) return row.error();
  if (*row == nullptr)
    return fail(Errc::kCorrupt, "a parked event is of an epoch that the gate does not know");
  const std::int64_t order = (*row)->order;
  const auto newest = store_->newest_order(event->gateway);
  if (!newest) return newest.error();
  const bool is_late = order < (newest_then_ != 0 ? newest_then_ : newest->value_or(order));
  auto why =
      take_effect({*event, entry.event.body, entry.event.hub_seq, order, is_late, entry.clock_ns});
  if (!why || !why->empty()) return why;
  ++outcome_.applied;
  if (is_late) ++outcome_.old_epoch;
  return why;
}

// The same, unless an operator gave it up: then it waits for the place of that.
Result<std::string> ModelEngine::take_following(const ParkedBook::Entry& entry) {
  if (!decisions_.any()) return take_parked(entry);
  const auto event = codec::decode_trusted(entry.event.body);
  if (!event) return event.error();
  const Decision* decision = decisions_.waits_for(*event);
  if (decision == nullptr || decision->applied) return take_parked(entry);
  return "given up by an operator: " + decision->reason;
}

// The later events of a stream whose poison event is out of the way, in order, up to the next one
// that does not fit.
Result<void> ModelEngine::follow(ParkedBook& book, const ParkedBook::Entry& head,
                                 ParkedOutcome& out) {
  std::int64_t after = head.id;
  for (;;) {
    const auto page = book.behind(head, after, kPage);
    if (!page) return page.error();
    for (const ParkedBook::Entry& entry : *page) {
      after = entry.id;
      const auto why = take_following(entry);
      if (!why) return why.error();
      if (why->empty()) {
        ++out.applied;
        SLUICE_TRY(book.remove(entry));
        continue;
      }
      out.why = *why;
      SLUICE_TRY(book.make_poison(entry, *why));
      const auto event = codec::decode_trusted(entry.event.body);
      if (!event) return event.error();
      decisions_.arm(*event);
      const auto left = book.count_behind(entry);
      if (!left) return left.error();
      out.behind = *left;
      return {};
    }
    if (page->size() < kPage) return {};
    if (rows_->bytes() <= settings_.cache_bytes) continue;
    SLUICE_TRY(write_rows());
    rows_->trim(settings_.cache_bytes);
  }
}

}  // namespace sluice::projection
