// SPDX-License-Identifier: Apache-2.0
#include "gateway/follower.hpp"

#include "rpc/frame.hpp"

namespace sluice::gateway {
namespace {

constexpr std::size_t kPageRows = 128;

}  // namespace

Follower::Follower(LogDesk& desk, std::weak_ptr<rpc::Session> session,
                   std::optional<core::Lane> lane, core::Seq from)
    : desk_(desk), session_(std::move(session)) {
  for (const core::Lane each : core::kLanes) {
    if (lane && *lane != each) continue;
    next_[core::index(each)] = from != 0 ? from : desk_.log().lane_state(each).last + 1;
  }
}

void Follower::pump() {
  const auto session = session_.lock();
  if (session == nullptr || !session->open() || !session->has_room()) return;
  if (reading_ || failed_ || !desk_.is_open()) return;
  for (const core::Lane lane : core::kLanes) {
    const auto next = next_[core::index(lane)];
    if (!next || *next > desk_.log().lane_state(lane).last) continue;
    reading_ = true;
    desk_.reader().lane(lane, *next, kPageRows,
                        [self = shared_from_this(), lane](core::Result<Page> page) {
                          self->take(lane, std::move(page));
                        });
    return;
  }
}

void Follower::take(core::Lane lane, core::Result<Page> page) {
  reading_ = false;
  const auto session = session_.lock();
  if (session == nullptr) return;
  if (!page && page.error().code != core::Errc::kBusy) {
    failed_ = true;
    rpc::Packer params;
    params.array(1).raw(rpc::encode_error_map(page.error()));
    return session->notify("end", params.take());
  }
  if (page) {
    for (const storage::Record& record : page->records) {
      rpc::Packer params;
      params.array(1).bytes(record.body);
      session->notify("event", params.take());
    }
    next_[core::index(lane)] = page->next;
    if (page->records.empty()) return;  // the bell comes again when there is more
  }
  pump();
}

}  // namespace sluice::gateway
