// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sqlite/fault_vfs.hpp"
#include "storage/segment_file.hpp"
#include "tests/storage/log_fixture.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::Lane;
using sqlite::FaultVfs;
using Fault = FaultVfs::Fault;
using Operation = FaultVfs::Operation;

class FaultsTest : public LogTest {
 protected:
  FaultsTest()
      : faults("sluice-faults", [this](Operation operation, std::string_view file) {
          if (file.find("/telemetry/") == std::string_view::npos) return Fault::kNone;
          if (only_wal && !file.ends_with("-wal")) return Fault::kNone;
          if (fault == Fault::kNone || operation != which) return Fault::kNone;
          if (++seen < from || seen >= from + count) return Fault::kNone;
          return fault.load();
        }) {
    vfs = faults.name();
  }
  ~FaultsTest() override { close(); }

  void arm(Operation operation, Fault what, int first, int how_many) {
    which = operation;
    seen = 0;
    from = first;
    count = how_many;
    fault = what;
  }
  void disarm() { fault = Fault::kNone; }

  // After whatever happened: a fresh log on the same folder holds every acked event once, and its
  // seqs and versions have no gap.
  void check_all(const std::vector<core::Uuid>& acked) {
    const auto records = read_all(Lane::kTelemetry);
    std::map<core::Uuid, int> times;
    std::map<std::string, std::uint64_t> versions;
    for (const Record& record : records) {
      const auto event = codec::decode_event(record.body);
      ASSERT_TRUE(event);
      ++times[event->id];
      ASSERT_EQ(event->version, ++versions[event->stream().text()]);
    }
    for (const core::Uuid& id : acked) EXPECT_EQ(times[id], 1) << id.text();
    for (const auto& [id, count_of] : times) EXPECT_EQ(count_of, 1) << id.text();
  }

  std::atomic<bool> only_wal{false};
  std::atomic<Operation> which{Operation::kSync};
  std::atomic<Fault> fault{Fault::kNone};
  std::atomic<int> seen{0};
  std::atomic<int> from{1};
  std::atomic<int> count{1};
  FaultVfs faults;
};

TEST_F(FaultsTest, ACommitOfUnknownOutcomeIsRepeatedInANewSegment) {
  for (const Fault kind : {Fault::kIoError, Fault::kDoneButFails}) {
    open();
    const Appended before = must_append(make_event("pump/7"));
    const std::size_t segments = segment_files(Lane::kTelemetry);
    arm(Operation::kSync, kind, 1, 1);
    NewEvent event = make_event("pump/7");
    event.id = make_id(before.seq);
    const auto answer = append(event);
    disarm();
    ASSERT_TRUE(answer) << core::to_string(answer.error());
    EXPECT_EQ(answer->front().seq, before.seq + 1);
    EXPECT_EQ(answer->front().version, before.version + 1);
    EXPECT_EQ(segment_files(Lane::kTelemetry), segments + 1);
    EXPECT_EQ(must_append(make_event("pump/7")).seq, before.seq + 2);
    EXPECT_TRUE(must_append(event).duplicate);
    check_all({before.id, answer->front().id});
    reopen();  // the row can be in the old segment as well: it does not count there
    EXPECT_TRUE(must_append(event).duplicate);
    EXPECT_EQ(must_append(make_event("pump/7")).version, before.version + 3);
    check_all({before.id, answer->front().id});
    EXPECT_TRUE(log->failure().empty());
    close();
  }
}

TEST_F(FaultsTest, AWriteThatFailsTwiceStopsTheLog) {
  open();
  const Appended before = must_append(make_event("pump/7"));
  arm(Operation::kSync, Fault::kIoError, 1, 1000);
  const auto answer = append(make_event("pump/7"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kIo);
  ASSERT_TRUE(eventually([&] { return !log->failure().empty(); }));
  const auto later = append(make_event("pump/7"));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Errc::kIo);
  disarm();
  reopen();
  check_all({before.id});
  must_append(make_event("pump/7"));
}

TEST_F(FaultsTest, AFullDiskRefusesAndTheLogGoesOnWhenThereIsRoom) {
  open();
  const Appended before = must_append(make_event("pump/7"));
  arm(Operation::kWrite, Fault::kDiskFull, 1, 1000);
  const auto answer = append(make_event("pump/7"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kLimit);
  EXPECT_TRUE(log->failure().empty());
  disarm();
  // For up to a second the disk is taken to be as full as it was.
  Answer answer_after = append(make_event("pump/7"));
  ASSERT_TRUE(answer_after || eventually([&] {
                answer_after = append(make_event("pump/7"));
                return static_cast<bool>(answer_after);
              }));
  const Appended after = answer_after->front();
  EXPECT_EQ(after.seq, before.seq + 1);
  EXPECT_EQ(after.version, before.version + 1);
  reopen();
  check_all({before.id, after.id});
}

// The n-th operation of a kind fails, for every n until a run sees no fault: whatever it hits, no
// acked event is lost or doubled, and the folder opens again without anybody's help.
TEST_F(FaultsTest, WhateverOperationFailsNoAckedEventIsLost) {
  settings.segment_events = 40;
  for (const Operation operation :
       {Operation::kWrite, Operation::kSync, Operation::kTruncate, Operation::kOpen}) {
    for (const Fault kind : {Fault::kIoError, Fault::kDoneButFails, Fault::kDiskFull}) {
      if (operation == Operation::kOpen && kind == Fault::kDoneButFails) continue;
      std::vector<core::Uuid> acked;
      std::filesystem::remove_all(scratch.path() / "log");
      // Steps widen: the first operations are looked at one by one, the rest in samples.
      for (int n = 1; n < 400; n += 1 + n / 2) {
        open();
        arm(operation, kind, n, 1);
        for (int i = 0; i < 10; ++i) {
          AppendRequest request;
          for (int k = 0; k < 5; ++k) request.events.push_back(make_event("pump/7"));
          const auto answer = append(std::move(request));
          if (!answer) continue;
          for (const Appended& position : *answer) acked.push_back(position.id);
        }
        const bool hit = seen >= n;
        disarm();
        close();
        open();
        check_all(acked);
        close();
        if (HasFailure()) {
          FAIL() << "operation " << static_cast<int>(operation) << " fault "
                 << static_cast<int>(kind) << " n " << n;
        }
        if (!hit) break;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::storage
