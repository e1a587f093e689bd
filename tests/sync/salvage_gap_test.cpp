// SPDX-License-Identifier: Apache-2.0
// What a damaged card took is told to the hub in its place, also where an epoch began in it.
#include "core/codec/event_codec.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_pages.hpp"
#include "tests/storage/damage.hpp"
#include "tests/sync/installation.hpp"

namespace sluice::sync {
namespace {

using namespace std::chrono_literals;
using core::Lane;
using test::eventually;

TEST(SalvageGap, TheHubGetsGapRecordsForDestroyedPagesAndWithThemTheEpochThatBeganThere) {
  test::NatsServer server;
  HubOperator hub(server.url());
  hub.make_streams();
  Installation gateway(server.url(), {.sections = "[log]\nrestart_wait_max = \"0ms\"\n"});
  gateway.start_sluiced();
  gateway.append(500);
  const core::Seq opening = gateway.last() + 1;
  gateway.sluiced->terminate();
  gateway.start_sluiced();
  gateway.append(500);
  const core::Seq last = gateway.last();
  gateway.sluiced->terminate();
  const auto newest = storage::list_segments(gateway.state() / "log/telemetry")->back().path;
  std::set<core::Seq> destroyed;
  {
    auto pages = storage::SegmentPages::open(newest);
    ASSERT_TRUE(pages);
    const auto rows = pages->rows();
    std::uint64_t page = 0;
    for (const auto& row : rows)
      if (row.seq == opening) page = row.offset;
    ASSERT_GT(page, 0u);
    for (const auto& row : rows)
      if (row.offset == page) destroyed.insert(row.seq);
    storage::destroy_page(newest, page / storage::kPageBytes + 1);
  }
  gateway.start();
  ASSERT_TRUE(eventually([&] { return gateway.drained(); }, 120s)) << gateway.logs();
  EXPECT_GT(gateway.last(), last);
  const auto stored = hub.all();
  expect_each_once(stored, Lane::kTelemetry, 1, gateway.last());
  std::set<core::Seq> told;
  std::size_t openings = 0;
  std::size_t events = 0;
  for (const auto& message : stored) {
    const auto identity = core::Identity::parse(message.identity);
    ASSERT_TRUE(identity);
    const auto event = codec::decode_event(message.body);
    ASSERT_TRUE(event);
    events += event->type == "SegmentSalvaged";
    if (identity->lane != Lane::kTelemetry || identity->to == 0) continue;
    const auto gap = codec::decode_gap(event->data);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->reason, core::GapReason::kDamaged);
    for (core::Seq seq = identity->seq; seq <= identity->to; ++seq) told.insert(seq);
    if (!gap->opened) continue;
    ++openings;
    EXPECT_EQ(identity->seq, opening);
    EXPECT_EQ(gap->opened->last_seq, opening - 1);
  }
  EXPECT_EQ(told, destroyed);
  EXPECT_EQ(openings, 1u);
  EXPECT_EQ(events, 1u);
}

}  // namespace
}  // namespace sluice::sync
