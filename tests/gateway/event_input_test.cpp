// SPDX-License-Identifier: Apache-2.0
#include "gateway/event_input.hpp"

#include <gtest/gtest.h>

#include "core/codec/json_data.hpp"
#include "core/random.hpp"
#include "gateway/json_skim.hpp"
#include "rpc/pack.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using storage::Expected;

std::string back_to_json(const std::string& data) {
  std::string json;
  codec::data_to_json(data, json);
  return json;
}

TEST(EventFromJson, DataIsTakenAsItWasWritten) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"stream":"pump/7","type":"T","data":18446744073709551615})", "18446744073709551615"},
      {R"({"data":[1,1.0,-0.0],"type":"T","stream":"pump/7"})", "[1,1.0,-0.0]"},
      {R"( { "stream" : "pump/7" , "type" : "T" , "data" : { "a" : "}],\"" } } )",
       R"({"a":"}],\""})"},
      {R"({"stream":"pump/7","type":"T","data":null})", "null"},
      {R"({"str\u0065am":"pump/7","type":"T","data":"\ud83d\ude00"})", "\"\xf0\x9f\x98\x80\""},
  };
  for (const auto& [json, data] : cases) {
    const auto event = event_from_json(json, {});
    ASSERT_TRUE(event) << json << ": " << event.error().message;
    EXPECT_EQ(event->stream.text(), "pump/7");
    EXPECT_EQ(event->type, "T");
    EXPECT_EQ(back_to_json(event->data), data);
    EXPECT_FALSE(event->id);
    EXPECT_FALSE(event->occurred_at_ns);
  }
}

TEST(EventFromJson, TheEnvelopeIsRead) {
  const auto event = event_from_json(
      R"({"stream":"a/b/c","type":"T","data":1,"id":"01890A5D-AC96-774B-BCCE-B302099A8057",
          "occurred_at":"2026-11-21T03:14:15.5Z","expect":7})",
      {});
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->stream.entity, "b/c");
  EXPECT_EQ(event->id->text(), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(event->occurred_at_ns, 1795230855500000000);
  EXPECT_EQ(event->expected.kind, Expected::Kind::kExact);
  EXPECT_EQ(event->expected.version, 7u);
  const std::pair<const char*, Expected::Kind> words[] = {{"\"any\"", Expected::Kind::kAny},
                                                          {"\"none\"", Expected::Kind::kNone},
                                                          {"\"exists\"", Expected::Kind::kExists},
                                                          {"0", Expected::Kind::kNone}};
  for (const auto& [word, kind] : words) {
    const auto other = event_from_json(
        R"({"stream":"a/b","type":"T","data":1,"occurred_at":5,"id":null,"expect":)" +
            std::string(word) + "}",
        {});
    ASSERT_TRUE(other) << word;
    EXPECT_EQ(other->expected.kind, kind);
    EXPECT_EQ(other->occurred_at_ns, 5);
    EXPECT_FALSE(other->id);
  }
}

TEST(EventFromJson, EachMistakeNamesItsField) {
  const std::tuple<const char*, Errc, const char*> cases[] = {
      {"", Errc::kBadRequest, ""},
      {"nonsense", Errc::kBadRequest, ""},
      {"{", Errc::kBadRequest, ""},
      {"{}", Errc::kBadRequest, "stream"},
      {R"({"stream":"a/b","type":"T"})", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","data":1})", Errc::kBadRequest, "type"},
      {R"({"stream":"ab","type":"T","data":1})", Errc::kBadRequest, "stream"},
      {R"({"stream":7,"type":"T","data":1})", Errc::kBadRequest, "stream"},
      {R"({"stream":"a/b","type":"","data":1})", Errc::kBadRequest, "type"},
      {R"({"stream":"a/b","type":["T"],"data":1})", Errc::kBadRequest, "type"},
      {R"({"stream":"a/b","type":"T","data":1,"data":2})", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","stream":"a/b","type":"T","data":1})", Errc::kBadRequest, "stream"},
      {R"({"stream":"a/b","type":"T","data":1,"expected":3})", Errc::kBadRequest, "expected"},
      {R"({"stream":"a/b","type":"T","data":1,"expect":"some"})", Errc::kBadRequest, "expect"},
      {R"({"stream":"a/b","type":"T","data":1,"expect":-1})", Errc::kBadRequest, "expect"},
      {R"({"stream":"a/b","type":"T","data":1,"id":"7"})", Errc::kBadRequest, "id"},
      {R"({"stream":"a/b","type":"T","data":1,"occurred_at":"now"})", Errc::kBadRequest,
       "occurred_at"},
      {R"({"stream":"a/b","type":"T","data":1,"occurred_at":1.5})", Errc::kBadRequest,
       "occurred_at"},
      {R"({"stream":"a/b","type":"T","data":[1,})", Errc::kBadRequest, ""},
      {R"({"stream":"a/b","type":"T","data":[1,}})", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","type":"T","data":[1}]})", Errc::kBadRequest, ""},
      {R"({"stream":"a/b","type":"T","data":nul})", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","type":"T","data":18446744073709551616})", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","type":"T","data":"\ud800"})", Errc::kBadRequest, "data"},
      {"{\"stream\":\"a/b\",\"type\":\"T\",\"data\":\"\xff\"}", Errc::kBadRequest, "data"},
      {R"({"stream":"a/b","type":"T","data":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]})",
       Errc::kTooLarge, "data"},
      {R"({"stream":"a/b","type":"T","data":1} x)", Errc::kBadRequest, ""},
      {R"({"stream":"a/b","type":"T" "data":1})", Errc::kBadRequest, ""},
      {R"({stream:"a/b","type":"T","data":1})", Errc::kBadRequest, ""},
  };
  for (const auto& [json, code, field] : cases) {
    const auto event = event_from_json(json, {});
    ASSERT_FALSE(event) << json;
    EXPECT_EQ(event.error().code, code) << json << ": " << event.error().message;
    EXPECT_EQ(event.error().field, field) << json << ": " << event.error().message;
    EXPECT_FALSE(event.error().message.empty());
  }
  EXPECT_EQ(
      event_from_json(R"({"stream":"a/b","type":"T","data":")" + std::string(2000, 'x') + "\"}",
                      {.data_bytes = 1000})
          .error()
          .code,
      Errc::kTooLarge);
}

TEST(JsonElements, AreCutWithoutLookingInside) {
  const auto elements = json_elements(R"( [ {"a":[1,"]"]} , "x,\"y" , 7,null ] )", 10);
  ASSERT_TRUE(elements);
  EXPECT_EQ(*elements,
            (std::vector<std::string_view>{R"({"a":[1,"]"]})", R"("x,\"y")", "7", "null"}));
  EXPECT_TRUE(json_elements("[]", 10)->empty());
  for (const char* bad :
       {"", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]2", "[\"", "[{]"})
    EXPECT_FALSE(json_elements(bad, 10)) << bad;
  EXPECT_EQ(json_elements("[1,2,3]", 2).error().code, Errc::kTooLarge);
}

TEST(EventFromJson, NoBytesCanMakeItFailOtherwise) {
  core::SeededRandom random(7);
  const std::string good =
      R"([{"stream":"a/b","type":"T","data":{"x":[1,"\u00e4",{"y":null}]},"expect":7}])";
  for (int round = 0; round < 20'000; ++round) {
    std::string json =
        good.substr(0, random.below(5) == 0 ? random.below(good.size()) : good.size());
    for (std::uint64_t i = random.below(4); i > 0 && !json.empty(); --i)
      json[random.below(json.size())] = static_cast<char>(random.next());
    const auto elements = json_elements(json, 100);
    if (!elements) continue;
    for (const std::string_view element : *elements) {
      const auto event = event_from_json(element, {});
      EXPECT_TRUE(event || !event.error().message.empty());
    }
  }
}

std::string event_map(const std::string& extra_key = {}, const std::string& extra_value = {}) {
  rpc::Packer out;
  out.map(extra_key.empty() ? 3 : 4).text("stream").text("pump/7").text("type").text("T");
  out.text("data").map(1).text("a").float64(1.0);
  if (!extra_key.empty()) out.text(extra_key).raw(extra_value);
  return out.take();
}

core::Result<storage::AppendRequest> from_params(const std::string& params) {
  return request_from_params(rpc::Value::trusted(params), {});
}

TEST(RequestFromParams, TakesAListOfMaps) {
  std::string id = rpc::Packer().bytes(std::string(16, '\x11')).take();
  const auto request =
      from_params(rpc::Packer().array(1).array(2).raw(event_map()).raw(event_map("id", id)).take());
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->events.size(), 2u);
  EXPECT_EQ(back_to_json(request->events[0].data), R"({"a":1.0})");
  EXPECT_EQ(request->events[1].id->text(), "11111111-1111-1111-1111-111111111111");
  EXPECT_FALSE(request->own);
}

TEST(RequestFromParams, EachMistakeHasItsError) {
  const std::string nil = rpc::Packer().nil().take();
  const std::tuple<std::string, Errc, const char*> cases[] = {
      {rpc::Packer().array(0).take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(1).array(0).take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(1).nil().take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(2).array(1).raw(event_map()).nil().take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(1).array(1).text("x").take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(1).array(1).map(1).integer(1).nil().take(), Errc::kBadRequest, ""},
      {rpc::Packer().array(1).array(1).raw(event_map("colour", nil)).take(), Errc::kBadRequest,
       "colour"},
      {rpc::Packer().array(1).array(1).raw(event_map("type", nil)).take(), Errc::kBadRequest,
       "type"},
      {rpc::Packer().array(1).array(1).raw(event_map("data", nil)).take(), Errc::kBadRequest,
       "data"},
      {rpc::Packer()
           .array(1)
           .array(1)
           .raw(event_map("id", rpc::Packer().bytes("short").take()))
           .take(),
       Errc::kBadRequest, "id"},
      {rpc::Packer()
           .array(1)
           .array(1)
           .raw(event_map("expect", rpc::Packer().float64(1.5).take()))
           .take(),
       Errc::kBadRequest, "expect"},
  };
  for (const auto& [params, code, field] : cases) {
    const auto request = from_params(params);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, code) << request.error().message;
    EXPECT_EQ(request.error().field, field) << request.error().message;
  }
  rpc::Packer many;
  many.array(1).array(core::limits::kAtomicAppendEvents + 1);
  for (std::size_t i = 0; i <= core::limits::kAtomicAppendEvents; ++i) many.raw(event_map());
  EXPECT_EQ(from_params(many.take()).error().code, Errc::kTooLarge);
  const auto second = from_params(rpc::Packer().array(1).array(2).raw(event_map()).map(0).take());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().message.starts_with("event 1: ")) << second.error().message;
}

}  // namespace
}  // namespace sluice::gateway
