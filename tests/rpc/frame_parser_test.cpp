// SPDX-License-Identifier: Apache-2.0
#include "rpc/frame_parser.hpp"

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "rpc/pack.hpp"

namespace sluice::rpc {
namespace {

using namespace std::string_literals;

struct Seen {
  std::vector<std::string> frames;
  std::optional<core::Error> error;
  std::optional<std::uint32_t> broken_id;
};

std::string describe(const Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::kRequest:
      return "request " + std::to_string(frame.id) + " " + std::string(frame.method) + "/" +
             std::to_string(frame.params.size());
    case Frame::Kind::kResponse:
      return "response " + std::to_string(frame.id) + (frame.error.is_nil() ? " ok" : " error");
    case Frame::Kind::kNotification:
      return "notification " + std::string(frame.method);
    case Frame::Kind::kInvalid:
      return "invalid" + (frame.has_id ? " " + std::to_string(frame.id) : "") + ": " +
             frame.problem;
  }
  return {};
}

Seen feed(const std::string& bytes, std::size_t piece, const ValueLimits& limits = {}) {
  FrameParser parser(limits);
  Seen seen;
  for (std::size_t at = 0; at < bytes.size() && !seen.error; at += piece) {
    parser.feed(std::string_view(bytes).substr(at, piece));
    for (;;) {
      const auto frame = parser.next();
      if (!frame) {
        seen.error = frame.error();
        seen.broken_id = parser.broken_id();
        break;
      }
      if (!*frame) break;
      seen.frames.push_back(describe(**frame));
    }
  }
  return seen;
}

std::string some_messages() {
  const std::string params =
      Packer().array(2).text(std::string(300, 'x')).map(1).text("k").nil().take();
  return encode_request(1, "append", params) +
         encode_notification("link", Packer().array(0).take()) +
         encode_result(70000, Packer().integer(5).take()) +
         encode_error(3, core::fail(core::Errc::kBusy, "later")) +
         encode_request(4, "status", "\x90");
}

TEST(FrameParser, TheSizeOfThePiecesDoesNotMatter) {
  const std::string bytes = some_messages();
  const std::vector<std::string> expected = {"request 1 append/2", "notification link",
                                             "response 70000 ok", "response 3 error",
                                             "request 4 status/0"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
    EXPECT_EQ(feed(bytes, piece).frames, expected) << "pieces of " << piece;
}

TEST(FrameParser, ATruncatedMessageIsWaitedForAndNothingElse) {
  const std::string whole = encode_request(9, "append", Packer().array(1).text("abc").take());
  for (std::size_t size = 1; size < whole.size(); ++size) {
    FrameParser parser;
    parser.feed(whole.substr(0, size));
    const auto frame = parser.next();
    ASSERT_TRUE(frame) << size;
    EXPECT_FALSE(*frame) << size;
    EXPECT_TRUE(parser.partial());
    parser.feed(whole.substr(size));
    const auto rest = parser.next();
    ASSERT_TRUE(rest && *rest) << size;
    EXPECT_FALSE(parser.partial());
  }
}

struct Hostile {
  const char* name;
  std::string bytes;
  core::Errc code;
  std::optional<std::uint32_t> id;
};

TEST(FrameParser, HostileBytesBreakTheConnectionWithAReason) {
  const auto request = [](const std::string& params) { return "\x94\x00\x07\xa1m"s + params; };
  const Hostile cases[] = {
      {"HTTP", "GET / HTTP/1.1\r\n", core::Errc::kBadRequest, {}},
      {"a bare number", "\x01", core::Errc::kBadRequest, {}},
      {"a map", "\x81\xa1k\xc0", core::Errc::kBadRequest, {}},
      {"an array of two", "\x92\x00\x01", core::Errc::kBadRequest, {}},
      {"the byte that is never used", request("\x91\xc1"), core::Errc::kBadRequest, 7},
      {"depth bomb", request(std::string(100'000, '\x91')), core::Errc::kTooLarge, 7},
      {"size bomb, text", request("\x91\xdb\xff\xff\xff\xff"s), core::Errc::kTooLarge, 7},
      {"size bomb, bytes", request("\x91\xc6\x7f\xff\xff\xff"s), core::Errc::kTooLarge, 7},
      {"count bomb, array", request("\x91\xdd\xff\x00\x00\x00"s), core::Errc::kTooLarge, 7},
      {"count bomb, map", request("\x91\xdf\x80\x00\x00\x00"s), core::Errc::kTooLarge, 7},
      {"id that is too large",
       "\x94\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1m\x91\xc1"s,
       core::Errc::kBadRequest,
       {}},
      {"top-level count bomb", "\xdd\xff\xff\xff\xff"s, core::Errc::kTooLarge, {}},
  };
  for (const auto& hostile : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, hostile.bytes.size()}) {
      const Seen seen = feed(hostile.bytes, piece);
      ASSERT_TRUE(seen.error) << hostile.name;
      EXPECT_EQ(seen.error->code, hostile.code) << hostile.name << ": " << seen.error->message;
      EXPECT_EQ(seen.broken_id, hostile.id) << hostile.name;
      EXPECT_TRUE(seen.frames.empty()) << hostile.name;
    }
  }
}

TEST(FrameParser, AWholeValueThatIsNoMessageLeavesTheConnectionUsable) {
  const std::string next = encode_request(5, "status", "\x90");
  const std::pair<std::string, std::string> cases[] = {
      {"\x94\x00\x07\x01\x90"s, "invalid 7: the method must be text"},
      {"\x94\x00\x07\xa1m\xc0"s, "invalid 7: params must be an array"},
      {"\x94\x00\xff\xa1m\x90"s, "invalid: the id must be a 32-bit number"},
      {"\x94\x05\x07\xa1m\x90"s,
       "invalid: a message is [0, id, method, params] or [2, method, params]"},
      {"\x93\x00\x07\xa1m"s,
       "invalid: a message is [0, id, method, params] or [2, method, params]"},
      {"\x93\x02\xc0\x90"s, "invalid: the method must be text"},
      {"\xdc\x00\x01\x00"s, "invalid: a message is [0, id, method, params] or [2, method, params]"},
  };
  for (const auto& [bytes, expected] : cases) {
    const Seen seen = feed(bytes + next, 3);
    ASSERT_FALSE(seen.error) << expected;
    EXPECT_EQ(seen.frames, (std::vector<std::string>{expected, "request 5 status/0"}));
  }
}

TEST(FrameParser, NoBytesAtAllCanMakeItFailOtherwise) {
  core::SeededRandom random(20261121);
  const std::string messages = some_messages();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = messages;
    const auto changes = 1 + random.below(4);
    for (std::uint64_t i = 0; i < changes; ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    const Seen whole = feed(bytes, bytes.size(), {.bytes = 4096});
    const Seen pieces = feed(bytes, 1 + random.below(40), {.bytes = 4096});
    ASSERT_EQ(whole.frames, pieces.frames) << "round " << round;
    ASSERT_EQ(whole.error.has_value(), pieces.error.has_value()) << "round " << round;
  }
}

TEST(FrameParser, TheBufferStaysNearTheLimit) {
  FrameParser parser({.bytes = 10'000});
  parser.feed("\x94\x00\x07\xa1m\x91\xda\x20\x00"s);
  std::size_t fed = 0;
  for (; parser.next(); fed += 100) parser.feed(std::string(100, 'x'));
  EXPECT_LE(fed, 10'000u);  // the text ends, and what follows it is no message
}

TEST(Error, TravelsWhole) {
  core::Error error = core::fail(core::Errc::kVersionConflict, "it is at 5", "expect");
  error.current = 5;
  const std::string bytes = encode_error_map(error);
  const core::Error decoded = decode_error(Value::trusted(bytes));
  EXPECT_EQ(decoded.code, error.code);
  EXPECT_EQ(decoded.message, error.message);
  EXPECT_EQ(decoded.field, error.field);
  EXPECT_EQ(decoded.current, 5);
  EXPECT_EQ(decode_error(Value::trusted("\xa3odd")).message, "odd");
  EXPECT_EQ(decode_error(Value::trusted("\x05")).code, core::Errc::kInternal);
}

}  // namespace
}  // namespace sluice::rpc
