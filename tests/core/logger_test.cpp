// SPDX-License-Identifier: Apache-2.0
#include "core/logger.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice::core {
namespace {

TEST(StderrLogger, WritesOneLineWithItsFields) {
  ::unsetenv("JOURNAL_STREAM");
  StderrLogger logger;
  testing::internal::CaptureStderr();
  logger.info("uplink", "connected", {{"url", "nats://hub:4222"}, {"after", "2 s"}});
  logger.error("log", "gone", {{"why", ""}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "uplink: connected url=nats://hub:4222 after=\"2 s\"\nerror: log: gone why=\"\"\n");
}

TEST(StderrLogger, MarksThePriorityForTheJournal) {
  ::setenv("JOURNAL_STREAM", "8:1", 1);
  StderrLogger logger;
  ::unsetenv("JOURNAL_STREAM");
  testing::internal::CaptureStderr();
  logger.warning("uplink", "retrying");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<4>uplink: retrying\n");
}

// A field may hold what a device sent: it must not start a line of its own.
TEST(StderrLogger, KeepsAFieldOnItsLine) {
  ::unsetenv("JOURNAL_STREAM");
  StderrLogger logger;
  testing::internal::CaptureStderr();
  logger.info("gateway", "refused", {{"type", "a\n<0>b"}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "gateway: refused type=a <0>b\n");
}

}  // namespace
}  // namespace sluice::core
