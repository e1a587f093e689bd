// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "core/codec/event_codec.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

class Follow : public SluicedTest {
 protected:
  // The seqs of the next `count` event notifications.
  static std::vector<core::Seq> seqs(rpc::BlockingClient& client, std::size_t count) {
    std::vector<core::Seq> found;
    while (found.size() < count) {
      const auto message = client.receive();
      EXPECT_TRUE(message) << (message ? "" : message.error().message);
      if (!message) break;
      EXPECT_EQ(message->method, "event");
      const auto params = rpc::Value::trusted(*message->body);
      const auto event = codec::decode_event(*params.at(0).bytes());
      EXPECT_TRUE(event);
      if (event) found.push_back(event->seq);
    }
    return found;
  }
  void append(int count) {
    auto client = rpc();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(client.send("append", one_event("pump/7", "T", i)));
    for (int i = 0; i < count; ++i) ASSERT_TRUE(client.receive());
  }
};

TEST_F(Follow, CatchesUpAndGoesOnWithoutGapOrDouble) {
  configure("out_bytes_max = \"16KiB\"");  // so that it stops and goes on many times
  start();
  append(1000);
  std::thread more([this] {
    for (int i = 0; i < 20; ++i) append(50);
  });
  auto client = rpc();
  ASSERT_TRUE(
      client.call("follow", one_map({{"lane", packed("telemetry")}, {"from", packed(1u)}})));
  const auto found = seqs(client, 2001);
  more.join();
  ASSERT_EQ(found.size(), 2001u);
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], i + 1);
  const auto quiet = client.receive_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(quiet);
  EXPECT_FALSE(*quiet);
}

TEST_F(Follow, WithoutAPlaceToStartOnlyNewEventsCome) {
  start();
  append(10);
  auto client = rpc();
  ASSERT_TRUE(client.call("follow", no_params()));
  append(3);
  EXPECT_EQ(seqs(client, 3), (std::vector<core::Seq>{12, 13, 14}));
  // The connection still takes requests.
  ASSERT_TRUE(client.call("status", no_params()));
  EXPECT_FALSE(client.call("follow", no_params()));
}

TEST_F(Follow, AFollowerThatDoesNotReadDelaysNobody) {
  configure("stall_timeout = \"1s\"\nout_bytes_max = \"16KiB\"");
  start();
  auto lazy = rpc();
  ASSERT_TRUE(lazy.call("follow", one_map({{"from", packed(1u)}})));
  for (int i = 0; i < 10; ++i) append(1000);
  EXPECT_TRUE(
      test::eventually([this] { return status().at("connections").at("rpc").as_int64() == 0; }));
}

}  // namespace
}  // namespace sluice::gateway
