// SPDX-License-Identifier: Apache-2.0
// Queries that take long, and what becomes of those that come after them.
#include <gmock/gmock.h>

#include <future>

#include "tests/http/server_fixture.hpp"
#include "tests/hub/hub_program.hpp"
#include "tests/hub/test_publisher.hpp"
#include "tests/support/nats_server.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::eventually;
using test::HubProgram;
using testing::HasSubstr;

const std::string kRows = "/v1/models/pumps/events";
const std::string kEndless = "/v1/models/pumps/endless";

class TurnsTest : public testing::Test {
 protected:
  TurnsTest() {
    publisher_.make_hub_stream("main");
    HubProgram::Options options;
    options.model = std::string(test::kPumpsModel) +
                    "[view.endless]\nsql = \"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
                    "1 FROM n) SELECT count(*) AS c FROM n\"\n";
    hub_ = std::make_unique<HubProgram>(server_.url(), options);
    publisher_.epoch_opened({}, 1);
    publisher_.events({}, 2, 11);
    EXPECT_TRUE(eventually([&] { return hub_->effects() == 10; })) << hub_->log();
  }
  using Slow = std::vector<std::future<http::Response>>;
  Slow ask_endless(int count) const {
    Slow out;
    for (int i = 0; i < count; ++i)
      out.push_back(
          std::async(std::launch::async, [this] { return hub_->get(kEndless + "?deadline=3s"); }));
    return out;
  }
  // Every thread that answers queries has one that takes long.
  bool is_full() const {
    return eventually([&] { return hub_->get(kRows + "?deadline=100ms").status == 507; });
  }

  test::NatsServer server_;
  test::TestPublisher publisher_{server_.url()};
  std::unique_ptr<HubProgram> hub_;
};

TEST_F(TurnsTest, ASlowQueryEndsAtItsDeadlineAndHoldsUpNoOther) {
  auto slow = ask_endless(2);
  const auto begun = steady_clock::now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(hub_->row_count(kRows), 10u);
  EXPECT_LT(steady_clock::now() - begun, 2s);
  for (auto& each : slow) {
    const auto answer = each.get();
    EXPECT_EQ(answer.status, 507u);
    EXPECT_THAT(answer.body, HasSubstr("took longer than 3000 ms"));
  }
}

TEST_F(TurnsTest, ADeadlineCountsFromWhenTheQueryCame) {
  const auto first = steady_clock::now();
  auto slow = ask_endless(12);
  ASSERT_TRUE(is_full());
  const auto begun = steady_clock::now();
  const auto answer = hub_->get(kRows + "?deadline=500ms");
  EXPECT_LT(steady_clock::now() - begun, 2s);
  EXPECT_EQ(answer.status, 507u);
  EXPECT_THAT(answer.body, HasSubstr("no turn within 500 ms"));
  for (auto& each : slow) EXPECT_EQ(each.get().status, 507u);
  EXPECT_LT(steady_clock::now() - first, 6s) << "they came at once, and end at once";
  EXPECT_EQ(hub_->row_count(kRows), 10u);
}

TEST_F(TurnsTest, ClientsThatHaveGoneLeaveTheQueue) {
  {
    std::vector<std::unique_ptr<http::RawClient>> clients;
    const std::string address = hub_->address();
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    for (int i = 0; i < 40; ++i) {
      clients.push_back(std::make_unique<http::RawClient>(static_cast<std::uint16_t>(port)));
      // The first four have a turn, the others would wait for theirs.
      const std::string deadline = i < 4 ? "2s" : "10s";
      clients.back()->send("GET " + kEndless + "?deadline=" + deadline +
                           " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      if (i == 3) {
        ASSERT_TRUE(is_full());
      }
    }
  }
  const auto begun = steady_clock::now();
  EXPECT_EQ(hub_->row_count(kRows), 10u);
  EXPECT_LT(steady_clock::now() - begun, 4s);
}

}  // namespace
}  // namespace sluice
