// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "http/client.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::http {
namespace {

using core::Errc;

Router some_routes() {
  Router router;
  const Handler nothing = [](const Request&, const Respond&) {};
  router.add("GET", "/v1/streams/{category}/{entity}", nothing);
  router.add("POST", "/v1/events", nothing);
  router.add("GET", "/", nothing, true);
  return router;
}

TEST(Router, FindsSegmentsAndDecodesThemAfterwards) {
  const Router router = some_routes();
  const auto match = router.find("GET", "/v1/streams/pump/a%2Fb%20c");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->parameters, (Pairs{{"category", "pump"}, {"entity", "a/b c"}}));
  EXPECT_FALSE(match->open);
  ASSERT_TRUE(router.find("HEAD", "/"));
  EXPECT_TRUE(router.find("HEAD", "/")->open);
}

TEST(Router, SaysWhyThereIsNoMatch) {
  const Router router = some_routes();
  EXPECT_EQ(router.find("GET", "/v1/streams/pump").error().code, Errc::kNotFound);
  EXPECT_EQ(router.find("GET", "/v1/streams//7").error().code, Errc::kNotFound);
  EXPECT_EQ(router.find("GET", "/v1/streams/pump/7/").error().code, Errc::kNotFound);
  EXPECT_EQ(router.find("GET", "/v1/streams/pump/%zz").error().code, Errc::kBadRequest);
  EXPECT_EQ(router.find("GET", "/v1/streams/pump/%2").error().code, Errc::kBadRequest);
  const auto other_method = router.find("DELETE", "/v1/events");
  ASSERT_FALSE(other_method);
  EXPECT_EQ(other_method.error().code, Errc::kUnsupported);
  EXPECT_NE(other_method.error().message.find(other_method.error().field), std::string::npos);
  EXPECT_FALSE(other_method.error().field.empty());
  EXPECT_EQ(other_method.error().field, "POST");
}

TEST(Query, IsDecodedInOrder) {
  const auto query = parse_query("a=1&b=x+y%26&c&a=2&");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (Pairs{{"a", "1"}, {"b", "x y&"}, {"c", ""}, {"a", "2"}}));
  EXPECT_FALSE(parse_query("a=%"));
  EXPECT_EQ(*percent_decode(percent_encode("a/b c\xc3\xa4%")), "a/b c\xc3\xa4%");
}

TEST(TcpAddress, KnowsLoopback) {
  const std::pair<const char*, bool> good[] = {
      {"127.0.0.1:80", true}, {"127.9.9.9:80", true}, {"localhost:80", true}, {"[::1]:80", true},
      {"0.0.0.0:80", false},  {"[::]:80", false},     {"10.1.2.3:0", false}};
  for (const auto& [text, loopback] : good) {
    const auto address = TcpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->loopback, loopback) << text;
  }
  EXPECT_EQ(TcpAddress::parse("[::1]:80")->text(), "[::1]:80");
  for (const char* text : {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "host:80",
                           "::1:80", "127.0.0.1:8x", "[127.0.0.1]:80"})
    EXPECT_FALSE(TcpAddress::parse(text)) << text;
}

TEST(Tokens, AreReadFromAFileAndComparedWhole) {
  const test::TempDir folder;
  const auto tokens = Tokens::load(
      folder.write("t", "# for the pump\n\n  0123456789abcdef  \nfedcba9876543210\r\n").string());
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_TRUE(tokens->accepts("0123456789abcdef"));
  EXPECT_TRUE(tokens->accepts("fedcba9876543210"));
  EXPECT_FALSE(tokens->accepts("0123456789abcdeX"));
  EXPECT_FALSE(tokens->accepts("0123456789abcde"));
  EXPECT_FALSE(tokens->accepts(""));
  EXPECT_FALSE(tokens->accepts("# for the pump"));
  EXPECT_FALSE(Tokens::load((folder / "none").string()));
  EXPECT_FALSE(Tokens::load(folder.write("empty", "# nothing\n").string()));
  const auto weak = Tokens::load(folder.write("short", "\nsecret\n").string());
  ASSERT_FALSE(weak);
  EXPECT_EQ(weak.error().code, Errc::kConfig);
  EXPECT_NE(weak.error().message.find("short:2"), std::string::npos);
  EXPECT_EQ(weak.error().message.find("secret"), std::string::npos);
}

TEST(Endpoint, TakesUrlsAndSockets) {
  EXPECT_EQ(Endpoint::parse("unix:/run/x.sock")->unix_path, "/run/x.sock");
  EXPECT_EQ(Endpoint::parse("/run/x.sock")->text(), "unix:/run/x.sock");
  EXPECT_EQ(Endpoint::parse("http://hub:8080/")->text(), "http://hub:8080");
  EXPECT_EQ(Endpoint::parse("hub")->port, 80);
  EXPECT_EQ(Endpoint::parse("http://[::1]:99")->text(), "http://[::1]:99");
  for (const char* text : {"", "http://", "https://hub", "hub:x", "hub:", "a/b", "hub:1/path"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(ErrorResponse, EachClassHasItsStatus) {
  const std::pair<Errc, unsigned> statuses[] = {
      {Errc::kBadRequest, 400},  {Errc::kUnauthorized, 401},
      {Errc::kNotFound, 404},    {Errc::kVersionConflict, 409},
      {Errc::kIdConflict, 409},  {Errc::kTooLarge, 413},
      {Errc::kLimit, 507},       {Errc::kBusy, 503},
      {Errc::kUnavailable, 503}, {Errc::kIo, 500},
      {Errc::kInternal, 500}};
  for (const auto& [code, status] : statuses) {
    core::Error error = core::fail(code, "why", "where");
    error.current = 5;
    const Response response = error_response(error);
    EXPECT_EQ(response.status, status);
    const core::Error back = error_of(response);
    EXPECT_EQ(back.code, code);
    EXPECT_EQ(back.message, "why");
    EXPECT_EQ(back.field, "where");
    EXPECT_EQ(back.current, code == Errc::kVersionConflict ? 5 : 0);
  }
  EXPECT_EQ(error_of({.status = 502, .body = "<html>"}).message, "the server answered status 502");
}

}  // namespace
}  // namespace sluice::http
