// SPDX-License-Identifier: Apache-2.0
// Hostile and broken input to a real sluiced: each has its own error, nothing is half-written, and
// the next client finds it well.
#include <sys/socket.h>

#include <cerrno>

#include "rpc/frame.hpp"
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {
namespace {

using namespace std::string_literals;
using core::Errc;

class BadInput : public SluicedTest {
 protected:
  void TearDown() override {
    if (!sluiced_) return;
    EXPECT_TRUE(sluiced_->running());
    auto client = rpc();
    const auto answer = client.call("append", one_event("after/1", "T", 1));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(rpc::Value::trusted(*answer).at(0).find("seq").integer(), 2);  // nothing before it
  }
  static void send_raw(rpc::BlockingClient& client, const std::string& bytes) {
    // sluiced may have seen enough, and closed, before it has all.
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto count =
          ::send(client.native_handle(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
      ASSERT_GT(count, 0);
      sent += static_cast<std::size_t>(count);
    }
  }
};

TEST_F(BadInput, OverRpcHasItsErrorAndTheConnectionStays) {
  start();
  auto client = rpc();
  const std::string data_of = rpc::Packer()
                                  .array(1)
                                  .array(1)
                                  .map(3)
                                  .text("stream")
                                  .text("a/1")
                                  .text("type")
                                  .text("T")
                                  .text("data")
                                  .take();
  const std::tuple<const char*, std::string, std::string, Errc, const char*> cases[] = {
      {"unknown method", "appendd", no_params(), Errc::kUnsupported, ""},
      {"no events", "append", no_params(), Errc::kBadRequest, ""},
      {"bad UTF-8 in data", "append", data_of + rpc::Packer().text("\xff\xfe").take(),
       Errc::kBadRequest, "data"},
      {"bad UTF-8 in a stream", "append", one_event("a/\xff", "T", 1), Errc::kBadRequest, "stream"},
      {"NaN", "append", data_of + "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s, Errc::kBadRequest,
       "data"},
      {"ext type", "append", data_of + "\xd4\x01\x01"s, Errc::kBadRequest, "data"},
      {"deep data", "append", data_of + std::string(17, '\x91') + "\xc0", Errc::kTooLarge, "data"},
      {"oversize event", "append", data_of + rpc::Packer().text(std::string(300'000, 'x')).take(),
       Errc::kTooLarge, "data"},
      {"reserved category", "append", one_event("sluice/x", "T", 1), Errc::kBadRequest, "stream"},
      {"two lanes at once", "append",
       rpc::Packer()
           .array(1)
           .array(2)
           .raw(rpc::Value::trusted(one_event("a/1", "T", 1)).at(0).at(0).encoded())
           .raw(rpc::Value::trusted(one_event("fire/1", "T", 1)).at(0).at(0).encoded())
           .take(),
       Errc::kBadRequest, "stream"},
      {"read of nothing", "read", no_params(), Errc::kBadRequest, ""},
      {"read of an unknown lane", "read", one_map({{"lane", packed("fast")}}), Errc::kBadRequest,
       "lane"},
      {"unknown option", "read", one_map({{"colour", packed("red")}}), Errc::kBadRequest, "colour"},
      {"option of the wrong kind", "follow", one_map({{"from", packed("x")}}), Errc::kBadRequest,
       "from"},
  };
  for (const auto& [name, method, params, code, field] : cases) {
    const auto answer = client.call(method, params);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, code) << name << ": " << answer.error().message;
    EXPECT_EQ(answer.error().field, field) << name << ": " << answer.error().message;
  }
}

TEST_F(BadInput, MessagePackBombsAreToldAndClosed) {
  start();
  const auto request = [](const std::string& params) {
    return "\x94\x00\x07\xa6"
           "append" +
           params;
  };
  const std::pair<std::string, Errc> bombs[] = {
      {request("\x91\xdd\xff\x00\x00\x00"s), Errc::kTooLarge},
      {request("\x91\xdf\xff\xff\xff\xff"s), Errc::kTooLarge},
      {request("\x91\xdb\xff\xff\xff\xff"s), Errc::kTooLarge},
      {request(std::string(200'000, '\x91')), Errc::kTooLarge},
      {request("\x91\xc1"), Errc::kBadRequest},
      {"GET /v1/status HTTP/1.1\r\n\r\n", Errc::kBadRequest},
  };
  for (const auto& [bytes, code] : bombs) {
    auto client = rpc();
    send_raw(client, bytes);
    const auto told = client.receive();
    ASSERT_TRUE(told) << told.error().message;
    ASSERT_FALSE(told->body);
    EXPECT_EQ(told->body.error().code, code);
    EXPECT_FALSE(client.receive());
  }
}

TEST_F(BadInput, AMessageThatEndsInTheMiddleWritesNothing) {
  start();
  const std::string whole = rpc::encode_request(1, "append", one_event("a/1", "T", 1));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    auto client = rpc();
    send_raw(client, whole.substr(0, size));
    ::shutdown(client.native_handle(), SHUT_WR);
    EXPECT_FALSE(client.receive());
  }
}

TEST_F(BadInput, AHalfOpenConnectionIsDroppedInTime) {
  configure("stall_timeout = \"1s\"");
  start();
  auto client = rpc();
  send_raw(client, "\x94\x00\x01");
  EXPECT_FALSE(client.receive());
}

TEST_F(BadInput, OverHttpHasItsErrorAndTheConnectionStays) {
  start();
  auto client = http();
  const std::tuple<const char*, const char*, const char*, unsigned, const char*> cases[] = {
      {"", "application/json", "/v1/events", 400, ""},
      {"{", "application/json", "/v1/events", 400, ""},
      {"[1,", "application/json", "/v1/events", 400, ""},
      {"[]", "application/json", "/v1/events", 400, ""},
      {"\n\n", "application/x-ndjson", "/v1/events", 400, ""},
      {"{}", "text/plain", "/v1/events", 415, "content-type"},
      {"{}", "application/json", "/v1/events?atomic=maybe", 400, "atomic"},
      {"{\"stream\":\"a/1\",\"type\":\"T\",\"data\":\"\xff\"}", "application/json", "/v1/events",
       400, "data"},
      {R"({"stream":"sluice/1","type":"T","data":1})", "application/json", "/v1/events", 400,
       "stream"},
      {R"([{"stream":"a/1","type":"T","data":1},{"stream":"fire/1","type":"T","data":1}])",
       "application/json", "/v1/events?atomic=true", 400, "stream"},
      {R"([{"stream":"a/1","type":"T","data":1},{"stream":"a/1"}])", "application/json",
       "/v1/events?atomic=true", 400, "type"},
      {"{}", "application/json", "/v1/nowhere", 404, ""},
      {"{}", "application/json", "/v1/status", 405, "method"},
  };
  for (const auto& [body, type, target, status, field] : cases) {
    const auto answer = client.post(target, body, type);
    ASSERT_TRUE(answer) << body;
    EXPECT_EQ(answer->status, status) << body << answer->body;
    EXPECT_EQ(http::error_of(*answer).field, field) << body << answer->body;
  }
  const auto large = client.post(
      "/v1/events", R"({"stream":"a/1","type":"T","data":")" + std::string(300'000, 'x') + "\"}");
  EXPECT_EQ(large->status, 413u);
  for (const char* target :
       {"/v1/streams/a/1?from=x", "/v1/streams/a/1?limit=0", "/v1/streams/a/1?limit=257",
        "/v1/streams/a/1?colour=red", "/v1/streams/a/%FF"})
    EXPECT_EQ(client.get(target)->status, 400u) << target;
  const auto huge = client.post("/v1/events", std::string(5u << 20, ' '));
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->status, 413u);
}

}  // namespace
}  // namespace sluice::gateway
