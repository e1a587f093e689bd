// SPDX-License-Identifier: Apache-2.0
#include "sync/import_turn.hpp"

#include <poll.h>

#include "core/random.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "sync/hub_answers.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;
using Turn = codec::Report::Turn;

constexpr std::chrono::milliseconds kRequestTimeout{10'000};
constexpr int kAttemptsMax = 50;

std::string draw_name() {
  core::SystemRandom random;
  return core::draw_epoch(random).text().substr(0, 12);
}

}  // namespace

void pause_for(std::chrono::milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

ImportTurn::ImportTurn(std::string gateway, core::Epoch epoch, Timing timing, Notice notice)
    : gateway_(std::move(gateway)),
      timing_(timing),
      notice_(std::move(notice)),
      importer_(draw_name()) {
  report_.gateway = gateway_;
  report_.epoch = epoch;
  report_.program_version = SLUICE_VERSION;
}

Result<std::optional<StoredReport>> ImportTurn::read(nats::Connection& hub) {
  const auto answer = hub.request("$JS.API.DIRECT.GET.KV_" + std::string(core::kReportBucket) +
                                      "." + core::report_subject(gateway_),
                                  {}, kRequestTimeout);
  if (!answer) return answer.error();
  return read_stored_report(*answer);
}

Result<PutAnswer> ImportTurn::write(nats::Connection& hub, std::uint64_t revision, State state) {
  auto report = report_;
  report.turn = Turn{importer_, state};
  if (state != State::kDone) report.last_error = "a bundle import publishes for this gateway";
  const auto answer =
      hub.request(core::report_subject(gateway_), codec::encode_report(report), kRequestTimeout,
                  {{"Nats-Expected-Last-Subject-Sequence", std::to_string(revision)}});
  if (!answer) return answer.error();
  const auto put = read_put_answer(*answer);
  if (put.kind == PutAnswer::Kind::kStored) {
    revision_ = put.revision;
    state_ = state;
    written_ = Clock::now();
  }
  return put;
}

// Gives the entry as it stands when no other import has the turn.
Result<std::optional<StoredReport>> ImportTurn::wait_for_others(nats::Connection& hub) {
  std::uint64_t seen = 0;
  Clock::time_point since;
  for (;;) {
    auto entry = read(hub);
    if (!entry || !*entry) return entry;
    const auto& turn = (*entry)->report.turn;
    if (!turn || turn->state == State::kDone || turn->importer == importer_) return entry;
    if (seen == 0) notice_("another import publishes for " + gateway_ + ": waiting for its end");
    if (seen != (*entry)->revision) {
      seen = (*entry)->revision;
      since = Clock::now();
    }
    if (Clock::now() - since >= timing_.dead) {
      notice_("the other import is gone: going on in its place");
      return entry;
    }
    pause_for(timing_.look);
  }
}

Result<void> ImportTurn::take(nats::Connection& hub) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const auto before = wait_for_others(hub);
    if (!before) {
      no_bucket_ = true;
      notice_(before.error().message +
              ": nothing keeps the gateway's uplink from publishing at the " +
              "same time, which does no harm but doubles the traffic");
      return {};
    }
    if (*before) {
      report_ = (*before)->report;
      if (!report_.machine.empty()) running_ = report_.epoch;
    }
    const auto put = write(hub, *before ? (*before)->revision : 0, State::kPublishing);
    if (!put) return put.error();
    if (put->kind == PutAnswer::Kind::kFailed) return fail(Errc::kUnavailable, put->words);
    if (put->kind == PutAnswer::Kind::kConflict) continue;
    held_ = true;
    if (*before) SLUICE_TRY(wait_for_uplink(hub, **before));
    return {};
  }
  return fail(Errc::kBusy, "the report of " + gateway_ +
                               " changes all the time: is more than one "
                               "program using it?");
}

Result<void> ImportTurn::wait_for_uplink(nats::Connection& hub, const StoredReport& before) {
  auto now = read(hub);
  if (!now || !*now) return {};
  // The hub's clock alone says how old the gateway's own report is.
  const std::chrono::nanoseconds age((*now)->stored_at_ns - before.stored_at_ns);
  if (before.report.turn || before.report.stopped_as_clone || age > timing_.uplink_alive) return {};
  call_uplink(hub);
  const auto end = Clock::now() + timing_.answer;
  while (Clock::now() < end) {
    now = read(hub);
    if (!now) return now.error();
    if (*now && (*now)->report.turn && (*now)->report.turn->importer == importer_ &&
        (*now)->report.turn->state == State::kGivenWay) {
      revision_ = (*now)->revision;
      report_ = (*now)->report;
      state_ = State::kGivenWay;
      return {};
    }
    pause_for(timing_.look);
  }
  return {};  // nobody there
}

Result<void> ImportTurn::renew(nats::Connection& hub) {
  if (no_bucket_ || !held_ || Clock::now() - written_ < timing_.renew) return {};
  const auto put = write(hub, revision_, state_);
  if (!put) return put.error();
  if (put->kind == PutAnswer::Kind::kStored) return {};
  if (put->kind == PutAnswer::Kind::kFailed) return fail(Errc::kUnavailable, put->words);
  // An uplink that came only now has given way and said so, or did not know how to.
  return take(hub);
}

void ImportTurn::release(nats::Connection& hub) {
  if (!std::exchange(held_, false)) return;
  report_.last_error.clear();
  auto put = write(hub, revision_, State::kDone);
  if (put && put->kind == PutAnswer::Kind::kConflict) {
    const auto entry = read(hub);  // an uplink gave way meanwhile
    if (entry && *entry && (*entry)->report.turn && (*entry)->report.turn->importer == importer_) {
      report_ = (*entry)->report;
      report_.last_error.clear();
      (void)write(hub, (*entry)->revision, State::kDone);
    }
  }
  call_uplink(hub);
}

void ImportTurn::call_uplink(nats::Connection& hub) {
  (void)hub.publish(core::need_subject(gateway_), codec::kLook);
  (void)hub.flush(kRequestTimeout);
}

}  // namespace sluice::sync
